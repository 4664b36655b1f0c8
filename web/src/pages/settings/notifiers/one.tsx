// One notifier: its text, and what became of what it sent.
import { Stack } from "@mantine/core";
import { useParams } from "react-router";
import { to } from "@/app/to";
import { ResourcePage } from "../ResourcePage";
import { Deliveries } from "./Deliveries";
import { TestNotifier } from "./TestNotifier";

export function Component() {
  const { name = "" } = useParams();
  return (
    <Stack gap="lg">
      <ResourcePage
        kind="Notifier"
        list="Notifiers"
        one="notifier"
        back={to.notifiers}
        begun=""
        actions={(resource) => <TestNotifier name={resource.name} />}
      />
      <Deliveries notifiers={[]} only={name} />
    </Stack>
  );
}
