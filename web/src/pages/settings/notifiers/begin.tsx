// A new notifier: what to do at the other side, and the file to fill in.
import { Text } from "@mantine/core";
import { Navigate, useParams } from "react-router";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { CopyButton } from "@/ui/CopyButton";
import { ResourcePage } from "../ResourcePage";
import { INTEGRATIONS, type Integration } from "./integrations";
import classes from "./notifiers.module.css";

const HOOK = "{hook}";

export function Component() {
  const { integration } = useParams();
  const chosen = INTEGRATIONS.find((i) => i.id === integration);
  if (!chosen) return <Navigate to={to.notifiers} replace />;
  return (
    <ResourcePage
      kind="Notifier"
      list="Notifiers"
      one="notifier"
      back={to.notifiers}
      begun={chosen.begun}
      before={(name) => <Steps chosen={chosen} name={name} />}
    />
  );
}

function Steps({ chosen, name }: { chosen: Integration; name: string }) {
  const base = useApi("/v1/settings").data?.public_url.replace(/\/$/, "") ?? location.origin;
  const hook = `${base}/hooks/${encodeURIComponent(name || "NAME")}`;
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        Before it works
      </Text>
      <ol className={classes.steps}>
        {chosen.steps.map((step) => {
          const [start, end] = step.split(HOOK);
          return (
            <li key={step}>
              {start}
              {end !== undefined && (
                <>
                  <code>{hook}</code> <CopyButton text={hook} what="the address" />
                  {end}
                </>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
