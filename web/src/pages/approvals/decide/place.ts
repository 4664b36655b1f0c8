// Where the focus goes once something is decided: back, or to the next request where that one is gone, or to the heading.
import { focusHeading } from "@/ui/focus";

export interface Place {
  /** Once it is decided, its buttons are about to go. */
  goBack: (decided: boolean) => void;
}

const requests = () => [...document.querySelectorAll<HTMLElement>("[data-request]")];

/** Remembers what has the focus, and which requests follow this one. */
export function placeOf(id: string): Place {
  const before = document.activeElement;
  const ids = requests().map((r) => r.dataset.request);
  const at = ids.indexOf(id);
  const nearest = [...ids.slice(at + 1), ...ids.slice(0, Math.max(at, 0)).reverse()];
  const goBack = (decided: boolean) => {
    if (!decided && before instanceof HTMLElement && before.isConnected) return before.focus();
    const there = requests();
    const next = nearest.map((i) => there.find((r) => r.dataset.request === i)).find((r) => r);
    if (next) next.focus();
    else focusHeading();
  };
  return { goBack };
}
