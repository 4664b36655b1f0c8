// Where the focus goes when what had it is switched off or gone: without it, who works by keyboard begins at the top.

const EVERY_MS = 100;
// What is sent is answered by then, and the page has changed.
const TRIES = 30;

export function focusHeading() {
  document.querySelector<HTMLElement>("#main h1")?.focus();
}

/** For a while, brings a lost focus back to where it was, or to the heading once that is gone. */
export function keepFocus(before: Element | null) {
  let left = TRIES;
  const timer = setInterval(() => {
    left -= 1;
    if (left === 0) clearInterval(timer);
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (!lost) return;
    if (!(before instanceof HTMLElement && before.isConnected)) focusHeading();
    // A button that is busy comes back.
    else if (!before.matches(":disabled")) before.focus();
  }, EVERY_MS);
}
