// Single keys of the replay. They give way to fields, dialogs and the shell's own pairs (`g` and a letter).
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useRef } from "react";

// As long as the shell waits for the second key of a pair.
const PAIR_MS = 1_200;

const BUSY = "input, textarea, select, [role=dialog], [role=menu], [role=listbox]:not([data-keys])";

const PRESSED = "button, a, summary";

/** What keys do, by `KeyboardEvent.key`. */
export function useKeys(keys: Record<string, () => void>) {
  // The same switch as for the shell's shortcuts.
  const [on] = useLocalStorage({ key: "sluice-shortcuts", defaultValue: true });
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    if (!on) return;
    let pressedG = Number.NEGATIVE_INFINITY;
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.target instanceof HTMLElement && e.target.closest(BUSY)) return;
      const second = e.timeStamp - pressedG < PAIR_MS;
      pressedG = e.key === "g" && !second ? e.timeStamp : Number.NEGATIVE_INFINITY;
      if (second || !Object.hasOwn(latest.current, e.key)) return;
      // The space bar presses what has the focus.
      if (e.key === " " && e.target instanceof HTMLElement && e.target.closest(PRESSED)) return;
      e.preventDefault();
      latest.current[e.key]?.();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [on]);
}
