// For pages that broke. Most often the gateway was upgraded and an old page asks for files that are gone.
import { Button, Code } from "@mantine/core";
import { useRouteError } from "react-router";
import { asApiError } from "@/api/client";
import { EmptyState } from "@/ui/states";
import { visible } from "@/ui/visible";

export function RouteError() {
  const error = asApiError(useRouteError());
  return (
    <EmptyState
      title="This page could not be shown"
      hint={
        <>
          Load it again; the gateway may have been upgraded since you opened it.
          <Code block mt="sm">
            {visible(error.message)}
          </Code>
        </>
      }
      action={<Button onClick={() => location.reload()}>Load again</Button>}
    />
  );
}
