// Filters that live in the query string, so that what is on screen can be linked.
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { CURSOR } from "./useCursor";

export interface Filters<Name extends string> {
  /** Only what is set. */
  values: Partial<Record<Name, string>>;
  /** Sets some of them; an empty one goes. Also goes back to the newest page. */
  set: (changes: Partial<Record<Name, string>>) => void;
  clear: () => void;
  any: boolean;
}

/** `const filters = useFilters("q", "decision", "range", "from", "to");` */
export function useFilters<Name extends string>(...names: Name[]): Filters<Name> {
  const [query, setQuery] = useSearchParams();
  const all = names.join(" ");
  const values = useMemo(() => {
    const found: Partial<Record<Name, string>> = {};
    for (const name of all.split(" ") as Name[]) {
      const value = query.get(name);
      if (value) found[name] = value;
    }
    return found;
  }, [query, all]);

  const set = useCallback(
    (changes: Partial<Record<Name, string>>) => {
      setQuery(
        (old) => {
          const next = new URLSearchParams(old);
          next.delete(CURSOR);
          for (const [name, value] of Object.entries<string | undefined>(changes)) {
            if (value) next.set(name, value);
            else next.delete(name);
          }
          return next;
        },
        // Typing in a filter must not fill the history.
        { replace: true, preventScrollReset: true },
      );
    },
    [setQuery],
  );

  const clear = useCallback(() => {
    const none: Partial<Record<Name, string>> = {};
    for (const name of all.split(" ") as Name[]) none[name] = "";
    set(none);
  }, [set, all]);

  return { values, set, clear, any: Object.keys(values).length > 0 };
}

/** A value of the query string as one of the words that the API knows, or nothing. */
export function oneOf<Word extends string>(
  value: string | undefined,
  words: readonly Word[],
): Word | undefined {
  return words.find((word) => word === value);
}
