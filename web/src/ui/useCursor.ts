// Paging by cursor. `cursor` in the query string names the page; a linked page knows only the way to the newest.
import { useLocation } from "react-router";

export const CURSOR = "cursor";

interface Trail {
  /** The cursors of newer pages, the newest ("") first. */
  trail?: string[];
}

export function useCursor() {
  const { search, state } = useLocation();
  const query = new URLSearchParams(search);
  const here = query.get(CURSOR) ?? "";
  const trail = (state as Trail | null)?.trail ?? [];

  const at = (cursor: string, left: string[]) => {
    const next = new URLSearchParams(query);
    if (cursor) next.set(CURSOR, cursor);
    else next.delete(CURSOR);
    return { to: { search: next.toString() }, state: { trail: left } satisfies Trail };
  };
  const last = trail.at(-1) ?? "";
  return {
    /** Goes into the query of the API; undefined on the newest page. */
    cursor: here || undefined,
    newer: here ? { ...at(last, trail.slice(0, -1)), first: last === "" } : null,
    toOlder: (cursor: string) => at(cursor, [...trail, here]),
  };
}
