// How a request ended, in a sentence for whoever was about to decide it.
import type { Me } from "@/api/me";
import { type Approval, givenFor, holds, isOperation, whyNot } from "./approval";

export type Act = "approve" | "deny" | "takeBack" | "end";

/** Whether that can still be done to it. */
export function canStill(act: Act, approval: Approval, nowMs: number): boolean {
  if (act === "end") return holds(approval, nowMs);
  return approval.state === "pending" && (act === "takeBack" || approval.may_decide);
}

/** Who decided what, or why nothing is left to decide. */
export function happened(approval: Approval, me: Pick<Me, "principal" | "groups">): string {
  const { state, refusal, principal } = approval;
  const name = principal.slice(principal.indexOf(":") + 1);
  switch (state) {
    case "denied":
      return refusal ? `Denied by ${refusal}` : "It was denied.";
    case "cancelled":
      return `Withdrawn: ${name} took it back, or does not wait any more.`;
    case "expired":
      return "Nobody decided it in time, and it has ended.";
    case "approved":
      return `${agreed(approval)}.`;
    case "spent":
      return `${agreed(approval)}; ${isOperation(approval) ? "it is used or was ended" : "it is over"}.`;
    default:
      return whyNot(approval, me) ?? "It cannot be decided now.";
  }
}

function agreed(approval: Approval): string {
  const people = approval.given.map((g) => g.by).join(" and ");
  const scope = givenFor(approval);
  return `Approved${people && ` by ${people}`}${scope ? ` for ${scope}` : ""}`;
}
