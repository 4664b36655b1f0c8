// Whether whoever asked still waits, and what an approval does then, in words.

import { count } from "@/ui/numbers";
import { nameOf } from "@/ui/principal";
import { type Approval, timeLeft } from "./approval";

export interface Group {
  title: string;
  /** After a number: `2 waiting now`. */
  counted: string;
  approvals: Approval[];
}

/** What waits just now comes first; what nobody waits for comes last. */
export function inGroups(approvals: Approval[]): Group[] {
  const of = (belongs: (waiting: number | null) => boolean) =>
    approvals.filter((a) => belongs(a.waiting ?? null));
  const groups = [
    { title: "Waiting now", counted: "waiting now", approvals: of((n) => n !== null && n > 0) },
    { title: "Asked ahead", counted: "asked ahead", approvals: of((n) => n === null) },
    {
      title: "The client has gone",
      counted: "whose client has gone",
      approvals: of((n) => n === 0),
    },
  ];
  return groups.filter((g) => g.approvals.length > 0);
}

/** `2 waiting now, 3 whose client has gone`. */
export const inNumbers = (groups: Group[]) =>
  groups.map((g) => `${count(g.approvals.length)} ${g.counted}`).join(", ");

/** What whoever decides should know; null where nobody is to wait, as for what was asked ahead. */
export function whoWaits(approval: Approval, nowMs: number): string | null {
  const { waiting } = approval;
  if (waiting === undefined || waiting === null) return null;
  return waiting > 0 ? goesOn(approval, waiting) : later(approval, nowMs);
}

function goesOn(approval: Approval, waiting: number): string {
  const name = nameOf(approval.principal);
  const client = approval.client ?? "client";
  const [who, are] =
    waiting === 1 ? [`${name}'s ${client}`, "is"] : [`${waiting} of ${name}'s clients`, "are"];
  const lastToAgree = approval.may_decide && approval.people - approval.given.length <= 1;
  const when = lastToAgree ? "as soon as you approve" : "as soon as it is approved";
  if (approval.connect) {
    const goes = waiting === 1 ? "it is let in" : "one of them is let in";
    return `${who} ${are} waiting to connect; ${goes} ${when}.`;
  }
  const goes = approval.protocol === "http" ? "the request is sent" : "it runs";
  return `${who} ${are} waiting; ${goes} ${when}.`;
}

function later(approval: Approval, nowMs: number): string {
  const name = nameOf(approval.principal);
  const left = timeLeft(approval.expires, nowMs);
  const http = approval.protocol === "http" && !approval.connect;
  // A page in a browser, and a client that was told to come again, are there and hold nothing open.
  const nobody = http ? "No connection is held open for it" : "Nobody waits any more";
  if (approval.state !== "pending") {
    const goes = approval.connect ? "one session is let in" : http ? "it is sent" : "it runs once";
    return `${nobody}: ${goes} when ${name} asks again, within ${left}.`;
  }
  const what = approval.connect ? "connect once" : `${http ? "send" : "run"} exactly this once`;
  return `${nobody}: approving lets ${name} ${what}, within ${left}, by asking for it again.`;
}
