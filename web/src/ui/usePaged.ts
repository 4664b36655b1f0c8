// Pages of a list that came as a whole. The cursor in the address is where the page begins.
import { useCursor } from "./useCursor";

const PER_PAGE = 50;

export interface Pages {
  /** For the `older` of a table. */
  older: string | null;
}

export interface Paged<Row> extends Pages {
  rows: Row[] | undefined;
}

export function usePaged<Row>(all: Row[] | undefined): Paged<Row> {
  const { cursor } = useCursor();
  return pageOf(all, cursor);
}

export function pageOf<Row>(all: Row[] | undefined, cursor = "0", size = PER_PAGE): Paged<Row> {
  if (!all) return { rows: undefined, older: null };
  const from = Math.max(0, Number.parseInt(cursor, 10) || 0);
  // A list that became shorter than the address says begins anew.
  const start = from < all.length ? from : 0;
  const end = start + size;
  return { rows: all.slice(start, end), older: end < all.length ? String(end) : null };
}
