// Differences of a dry run: repetitions as one, grouped by what they went from and to.
import type { Schemas } from "@/api/client";
import type { DecisionWord } from "@/ui/Decision";
import { decided } from "@/ui/resources/decided";

export type Difference = Schemas["Difference"];

/** The same operation of the same principal, as often as it comes to the same. */
export interface Repeated {
  key: string;
  newest: Difference;
  times: number;
}

export function repeated(differences: Difference[]): Repeated[] {
  const found = new Map<string, Repeated>();
  for (const newest of differences) {
    const { text, principal, connection } = newest.operation;
    const key = JSON.stringify([text, principal, connection, newest.before, newest.after]);
    const known = found.get(key);
    // They come newest first.
    if (known) known.times += 1;
    else found.set(key, { key, newest, times: 1 });
  }
  return [...found.values()];
}

export interface Turn {
  /** `allow-deny`: stands in the query string. */
  id: string;
  before: DecisionWord;
  after: DecisionWord;
  count: number;
}

export function turnOf(difference: Difference): string {
  return `${decided(difference.before).decision}-${decided(difference.after).decision}`;
}

/** What lets something run that did not run before comes first: that is what a change must not do by accident. */
const OPENNESS: Record<DecisionWord, number> = { allow: 2, ask: 1, deny: 0 };

export function turns(differences: Difference[]): Turn[] {
  const counts = new Map<string, number>();
  for (const d of differences) counts.set(turnOf(d), (counts.get(turnOf(d)) ?? 0) + 1);
  const opening = (t: Turn) => OPENNESS[t.after] - OPENNESS[t.before];
  return [...counts]
    .map(([id, count]): Turn => {
      const [before, after] = id.split("-") as [DecisionWord, DecisionWord];
      return { id, before, after, count };
    })
    .sort((a, b) => opening(b) - opening(a) || b.count - a.count);
}
