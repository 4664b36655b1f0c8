// Asks before what was typed and not saved is left behind.
import { useCallback, useEffect, useRef } from "react";
import { useBlocker } from "react-router";
import { useConfirm } from "../useConfirm";

/** Call the answer right before leaving on purpose, such as after saving. */
export function useGuard(unsaved: boolean): () => void {
  const done = useRef(false);
  const confirm = useConfirm();
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      unsaved && !done.current && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (blocker.state !== "blocked") return;
    const question = {
      title: "Leave without applying?",
      body: "What you changed here is not applied yet and will be lost.",
      confirm: "Leave",
      danger: true,
    };
    void confirm(question).then((yes) => (yes ? blocker.proceed() : blocker.reset()));
  }, [blocker, confirm]);
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);
  return useCallback(() => {
    done.current = true;
  }, []);
}
