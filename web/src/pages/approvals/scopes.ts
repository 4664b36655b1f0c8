// What an approver can agree to, each with a sentence on what it allows.
import { type Approval, seconds } from "./approval";

export type Kind = "once" | "session" | "window";

export interface Choice {
  kind: Kind;
  label: string;
  about: string;
  /** On the button; of windows the length is said there. */
  verb: string;
}

export function choicesFor(approval: Approval): Choice[] {
  const { connection, window_seconds: asked } = approval;
  if (asked) {
    const length = seconds(asked);
    return [
      {
        kind: "once",
        label: `As asked: ${length}`,
        about: `Everything that the policy asks for on ${connection}, for ${length} from the moment that the last of you agrees.`,
        verb: `Approve for ${length}`,
      },
      {
        kind: "window",
        label: "Shorter",
        about: "The same, with an earlier end.",
        verb: "Approve",
      },
    ];
  }
  const window: Choice = {
    kind: "window",
    label: "For a window",
    about: approval.connect
      ? `They may connect to ${connection}, and connect again, and do everything that the policy asks for there, until a fixed end.`
      : `Everything that the policy asks for on ${connection}, in any session of theirs, until a fixed end.`,
    verb: "Approve",
  };
  if (approval.connect) {
    const about =
      "One session is let in: the one that waits, or their next one. What it asks for then waits for an approval of its own.";
    return [{ kind: "once", label: "Once", about, verb: "Approve one session" }, window];
  }
  const when = approval.waiting ? "What waits goes on by itself;" : "It runs when they ask again;";
  return [
    {
      kind: "once",
      label: "Once",
      about: `One run of exactly this, with exactly these values. ${when} nothing else is allowed.`,
      verb: "Approve once",
    },
    {
      kind: "session",
      label: "For this session",
      about: "Everything that the policy asks for in this one session, until it ends.",
      verb: "Approve for this session",
    },
    window,
  ];
}
