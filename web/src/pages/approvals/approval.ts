// What an approval says, in words: what was asked, who must agree, why one may not decide, what it was given for.
import type { Schemas } from "@/api/client";
import type { Me } from "@/api/me";
import type { LanguageName } from "@/code/languages";
import { counted } from "@/ui/numbers";
import { duration, MICROS_PER_SECOND } from "@/ui/time";

export type Approval = Schemas["ApprovalInfo"];
export type ApproveScope = Schemas["ApproveScope"];

/** The longest window that the gateway gives. */
export const MAX_WINDOW_SECONDS = 7 * 86_400;

export type Scope =
  | { scope: "once" }
  | { scope: "session"; session: string }
  | { scope: "window"; until: number };

/** What it was approved for; the description of the API leaves the shape open. */
export function scopeOf(approval: Approval): Scope | null {
  const scope: unknown = approval.scope;
  if (typeof scope !== "object" || scope === null || !("scope" in scope)) return null;
  return scope as Scope;
}

/** Whether it grants something now. */
export function holds(approval: Approval, nowMs: number): boolean {
  const end = endOf(approval);
  return approval.state === "approved" && (end === null || end / 1000 > nowMs);
}

/** Whether it grants more than one run now: a session, or a window. */
export function holdsLonger(approval: Approval, nowMs: number): boolean {
  return holds(approval, nowMs) && scopeOf(approval)?.scope !== "once";
}

/** When it ends by itself, if that is known: undecided, unused, or its window. */
export function endOf(approval: Approval): number | null {
  if (approval.state === "pending") return approval.expires;
  if (approval.state !== "approved") return null;
  const scope = scopeOf(approval);
  if (scope?.scope === "window") return scope.until;
  return scope?.scope === "session" ? null : approval.expires;
}

export const seconds = (n: number) => duration(n * MICROS_PER_SECOND);

/** What is asked for, between who and the connection: `ada asks to connect to shop`. */
export function asksFor(approval: Approval): string {
  if (approval.window_seconds) return `for ${seconds(approval.window_seconds)} of access to`;
  if (approval.connect) return "to connect to";
  return approval.protocol === "http" ? "to send this request to" : "to run this operation on";
}

/** In a list, where there is no room for the operation. */
export function inShort(approval: Approval): string {
  if (approval.window_seconds) return `Access for ${seconds(approval.window_seconds)}`;
  return approval.connect ? "Login" : approval.text;
}

export function isOperation(approval: Approval): boolean {
  return !approval.window_seconds && !approval.connect;
}

export function languageOf(approval: Approval): LanguageName | undefined {
  if (approval.protocol === "http") return "http";
  return approval.protocol ? "sql" : undefined;
}

const list = (words: string[], last: string) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;

/** `one of dba, or one of legal and one of security`; with how many people where that says more. */
export function whoMustAgree({ group_sets: sets, people }: Approval): string {
  const named = sets.map((set) =>
    set.length === 0
      ? "anybody else"
      : list(
          set.map((group) => `one of ${group}`),
          "and",
        ),
  );
  const words = named.length === 0 ? "somebody else" : named.join(", or ");
  const smallest = Math.min(...sets.map((set) => Math.max(set.length, 1)), Number.MAX_SAFE_INTEGER);
  const more = people > (sets.length === 0 ? 1 : smallest);
  return more ? `${words}; ${counted(people, "person", "people")} altogether` : words;
}

/** Each group that is asked, once. */
export function groupsAsked({ group_sets: sets }: Approval): string[] {
  return [...new Set(sets.flat())].sort();
}

const namedWho = (approval: Approval) => list(groupsAsked(approval), "or") || "another group";

/** Why the caller cannot decide it; null when they can, or when there is nothing to decide. */
export function whyNot(approval: Approval, me: Pick<Me, "principal" | "groups">): string | null {
  if (approval.may_decide || approval.state !== "pending") return null;
  const colleague = `Somebody in ${namedWho(approval)} decides it.`;
  if (!me.principal.startsWith("user:")) return `Only people decide. ${colleague}`;
  if (approval.principal === me.principal) return `This is your own request. ${colleague}`;
  if (approval.owner === me.principal) {
    return `You answer for the agent that asks, so this counts as your own request. ${colleague}`;
  }
  if (approval.given.some((g) => g.by === me.principal)) {
    return "You have agreed already. Somebody else has to agree as well.";
  }
  if (!groupsAsked(approval).some((group) => me.groups.includes(group))) {
    return `It waits for ${namedWho(approval)}, and you are in none of these groups.`;
  }
  return "You cannot decide it now. Load the page again to see how it stands.";
}

export interface Look {
  label: string;
  color: string;
}

/** The state as a word of its own. */
export function stateOf(approval: Approval, nowMs: number): Look {
  switch (approval.state) {
    case "pending":
      return { label: "undecided", color: "yellow" };
    case "approved":
      return holds(approval, nowMs)
        ? { label: "approved", color: "green" }
        : { label: "over", color: "gray" };
    case "spent":
      return { label: isOperation(approval) ? "used" : "over", color: "gray" };
    case "denied":
      return { label: "denied", color: "red" };
    case "cancelled":
      return { label: "withdrawn", color: "gray" };
    case "expired":
      return { label: "expired", color: "gray" };
    default:
      return { label: approval.state, color: "gray" };
  }
}

/** What it was given for, in words. */
export function givenFor(approval: Approval): string | null {
  const scope = scopeOf(approval);
  if (scope?.scope === "window") return "a window of time";
  if (scope?.scope === "session") return approval.connect ? "one session" : "that session";
  if (scope?.scope === "once") return approval.connect ? "one session" : "one run";
  return null;
}

export type Blast = { words: string; tone: "plain" | "warn" | "danger" };

// A thousand rows are more than anybody looks through afterwards; a hundred thousand are a table.
const MANY_ROWS = 1_000;
const VERY_MANY_ROWS = 100_000;

// A statement that begins so changes nothing by a cascade or a trigger.
const READS = /^\s*(select|table|values|show)\b/i;

/** Whether it may change more rows than the planner counts. */
export const mayCascade = ({ text }: Approval) => !READS.test(text);

/** How much it would touch, as far as the target could tell. */
export function blastRadius({ estimated_rows: rows }: Approval): Blast | null {
  if (rows === null || rows === undefined) return null;
  const tone = rows >= VERY_MANY_ROWS ? "danger" : rows >= MANY_ROWS ? "warn" : "plain";
  return { words: `about ${counted(rows, "row")}`, tone };
}

/** How long it can still be decided, which is not how long its client waits. */
export function decidable({ expires }: Approval, nowMs: number): string {
  return `can be decided for ${timeLeft(expires, nowMs)} more`;
}

/** `2 d 3 h`, `23 h 12 min`, `4 min 09 s`, `12 s`: what is left, exact enough to act on. */
export function timeLeft(endMicros: number, nowMs: number): string {
  const left = Math.max(0, Math.ceil(endMicros / MICROS_PER_SECOND - nowMs / 1000));
  return left === 0 ? "no time" : seconds(left);
}
