// Which rows of a long list of equal rows are in sight, so that only those are made.
import { type RefObject, useCallback, useEffect, useState } from "react";

// Made beyond the edges, so that scrolling does not show blanks.
const BEYOND = 8;

export interface Window {
  first: number;
  last: number;
}

/** Rows `first` to `last` (not included) of `count` are to be made. */
export function windowOf(top: number, height: number, row: number, count: number): Window {
  const first = Math.max(Math.floor(top / row) - BEYOND, 0);
  const last = Math.min(Math.ceil((top + height) / row) + BEYOND, count);
  return { first: Math.min(first, last), last };
}

export function useWindow(scroller: RefObject<HTMLElement | null>, row: number, count: number) {
  const [sight, setSight] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watch.disconnect();
    };
  }, [scroller]);

  const reveal = useCallback(
    (at: number) => {
      const element = scroller.current;
      if (!element || at < 0) return;
      const top = at * row;
      const bottom = top + row;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (bottom > element.scrollTop + element.clientHeight) {
        element.scrollTop = bottom - element.clientHeight;
      }
    },
    [scroller, row],
  );
  return { ...windowOf(sight.top, sight.height, row, count), reveal };
}
