// What waits for a human, from the list of open approvals that the navigation asks for anyway.
import type { Schemas } from "./client";
import { useApi } from "./query";

type Approval = Schemas["ApprovalInfo"];

/** What the caller may decide; undefined until it is known. */
export function forMe(approvals: Approval[] | undefined): Approval[] | undefined {
  return approvals?.filter((a) => a.may_decide && a.state === "pending");
}

/** How many the caller may decide. */
export function useWaiting(): number {
  return forMe(useApi("/v1/approvals").data?.approvals)?.length ?? 0;
}

/** Held operations and logins: those whose clients wait now, and those whose clients have gone. */
export function held(approvals: Approval[]): { now: number; gone: number } {
  const clients = approvals.filter((a) => a.state === "pending").map((a) => a.waiting ?? -1);
  return { now: clients.filter((n) => n > 0).length, gone: clients.filter((n) => n === 0).length };
}
