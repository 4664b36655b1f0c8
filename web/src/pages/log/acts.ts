// What can be done through the control plane, as the log calls it, and where what it was done to is found.
import { to } from "@/app/to";
import { exact } from "@/ui/time";

/** To choose from: families first (an act is found by how it begins), then single acts. */
export const ACTS = [
  "agent",
  "approval",
  "audit",
  "connection",
  "delivery",
  "explain",
  "gap",
  "gateway",
  "group",
  "notifier",
  "person",
  "policy",
  "principal",
  "provider",
  "resource",
  "session",
  "sign_in",
  "token",
  "approval.approve",
  "approval.cancel",
  "approval.deny",
  "approval.end",
  "approval.open",
  "approval.request",
  "audit.verify",
  "connection.test",
  "delivery.retry",
  "gateway.start",
  "notifier.test",
  "policy.dry-run",
  "policy.test",
  "principal.disable",
  "principal.enable",
  "principal.offboard",
  "resource.create",
  "resource.delete",
  "resource.update",
  "session.kill",
  "session.search",
  "session.watch",
  "sign_in.begin",
  "sign_in.end",
  "token.create",
  "token.revoke",
  "token.rotate",
];

/** The page of what an act was done to, where there is one. */
export function subjectHref(subject: string): string | undefined {
  if (/^s-[a-z0-9]+$/.test(subject)) return to.session(subject);
  if (/^a-[a-z0-9]+$/.test(subject)) return to.approval(subject);
  if (/^(user|service|agent):/.test(subject)) return to.person(subject);
  const connection = /^Connection (.+)$/.exec(subject)?.[1];
  return connection === undefined ? undefined : to.connection(connection);
}

const CUT = "(the rest is not kept)";

/** The lines of a difference, where the detail of an entry is one; else null. */
export function diffOf(act: string, detail: string): string[] | null {
  if (!act.startsWith("resource.") || detail === "") return null;
  const lines = detail.split("\n");
  const whole = lines.every((line) => line === "" || /^[ +-]/.test(line) || line === CUT);
  if (!whole) return null;
  return lines.map((line) => (line === CUT ? ` ${line}` : line));
}

/** How many lines of a difference came and went: `+3 −1`. */
export function sizeOf(diff: string[]): string {
  const came = diff.filter((line) => line.startsWith("+")).length;
  const went = diff.filter((line) => line.startsWith("-")).length;
  return `+${came} −${went}`;
}

/** The detail of an entry with times as people read them, where it has them in microseconds. */
export function withTimes(detail: string): string {
  return detail.replace(
    /\b(until|ends at) (\d{16})\b/g,
    (_, word, at) => `${word} ${exact(Number(at))}`,
  );
}
