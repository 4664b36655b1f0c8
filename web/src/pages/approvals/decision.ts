// The word of a decision; the description of the API leaves its shape open.
import type { DecisionWord } from "@/ui/Decision";

export function decisionOf(decision: unknown): DecisionWord | undefined {
  if (typeof decision !== "object" || decision === null || !("decision" in decision)) return;
  return decision.decision as DecisionWord;
}
