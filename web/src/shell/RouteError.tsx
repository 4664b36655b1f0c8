// For pages that broke. Files of a page that do not come are either out of reach, or gone because the gateway was
// upgraded; asking the gateway tells which. Out of reach ends by itself, and the page is loaded then.
import { Button, Code } from "@mantine/core";
import { useEffect, useState } from "react";
import { useRouteError } from "react-router";
import { EmptyState } from "@/ui/states";
import { visible } from "@/ui/visible";

const AGAIN_MS = 3_000;
const PATIENCE_MS = 5_000;

// What the build, Chromium, Firefox and Safari say when a file of a page does not come.
const NOT_LOADED = /preload CSS|dynamically imported module|importing a module script/i;

export function RouteError() {
  const error = useRouteError();
  const message = error instanceof Error ? error.message : String(error);
  return NOT_LOADED.test(message) ? <NotLoaded /> : <Broken message={message} />;
}

function NotLoaded() {
  const away = useAway();
  if (away === undefined) return null;
  return away ? (
    <EmptyState
      title="The gateway cannot be reached"
      hint="This page is loaded as soon as the gateway answers again."
      action={<LoadAgain />}
    />
  ) : (
    <EmptyState
      title="This page has to be loaded again"
      hint="The gateway was probably upgraded since you opened the console."
      action={<LoadAgain />}
    />
  );
}

function Broken({ message }: { message: string }) {
  return (
    <EmptyState
      title="This page could not be shown"
      hint={
        <>
          Something in it went wrong. Loading it again may help.
          <Code block mt="sm">
            {visible(message)}
          </Code>
        </>
      }
      action={<LoadAgain />}
    />
  );
}

function LoadAgain() {
  return <Button onClick={() => location.reload()}>Load again</Button>;
}

/** Whether the gateway is out of reach; undefined until that is known. Loads the page once it was and is no more. */
function useAway(): boolean | undefined {
  const [away, setAway] = useState<boolean>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const ask = async (before: boolean) => {
      const answers = await isThere();
      if (left) return;
      if (answers && before) location.reload();
      setAway(!answers);
      if (!answers) timer = setTimeout(ask, AGAIN_MS, true);
    };
    void ask(false);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, []);
  return away;
}

async function isThere(): Promise<boolean> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch("/healthz", { signal, cache: "no-store" }).catch(() => null);
  return answer?.ok ?? false;
}
