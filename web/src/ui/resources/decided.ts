// Decisions as the API writes them where its description only says that they are objects.
import type { DecisionWord } from "@/ui/Decision";

export interface Decided {
  decision: DecisionWord;
  /** Allow and ask: what permits it. */
  policies?: string[];
  /** Ask: whose consent would do, any one set. */
  group_sets?: string[][];
  people?: number;
  /** Deny: what forbids it; absent where nothing permits it. */
  policy?: string | null;
  message?: string;
}

const WORDS = ["allow", "ask", "deny"];

/** What cannot be read is a refusal, as everywhere. */
export function decided(value: unknown): Decided {
  const word = (value as { decision?: unknown } | null)?.decision;
  if (typeof word === "string" && WORDS.includes(word)) return value as Decided;
  return { decision: "deny", message: "this console cannot read the decision" };
}

/** The policies that decided. */
export function policiesOf({ policies, policy }: Decided): string[] {
  return policies ?? (policy ? [policy] : []);
}

/** `somebody of dba, or of leads and security`. */
export function consent({ group_sets = [], people = 1 }: Decided): string {
  const sets = group_sets.filter((set) => set.length > 0).map((set) => set.join(" and "));
  const who = sets.length > 0 ? ` of ${sets.join(", or of ")}` : "";
  return people > 1 ? `${people} people${who}` : `somebody${who}`;
}
