// One notifier: its text, and what became of what it sent.
import { Stack } from "@mantine/core";
import { useParams } from "react-router";
import { to } from "@/app/to";
import { NEW, ResourcePage } from "../ResourcePage";
import { isNotThere, useNotifiers } from "./api";
import { Deliveries } from "./Deliveries";

// What it takes depends on its kind; the check says what is missing.
const BEGUN = "kind: Notifier\nname: approvers\n";

export function Component() {
  const { name = "" } = useParams();
  const { error } = useNotifiers();
  return (
    <Stack gap="lg">
      <ResourcePage
        kind="Notifier"
        list="Notifiers"
        one="notifier"
        back={to.notifiers}
        begun={BEGUN}
      />
      {name !== NEW && !isNotThere(error) && <Deliveries notifiers={[]} only={name} />}
    </Stack>
  );
}
