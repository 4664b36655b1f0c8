// The way back to an earlier state: its differences as changes that can be tested, reviewed and applied.
import { Alert, Button, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useApi } from "@/api/query";
import { textAfter } from "@/ui/resources/diff";
import { fileOf, type Resource, textOf } from "@/ui/resources/resources";
import type { Change } from "@/ui/resources/useCheck";
import type { Entry } from "../draft/entries";
import { useDraft } from "../draft/useDraft";

export function GoingBack({ to, changes }: { to: number; changes: Change[] }) {
  const { put } = useDraft();
  const resources = useApi("/v1/resources").data?.resources;
  const take = (now: Resource[]) => {
    for (const change of changes) put(entryOf(change, now));
    notifications.show({
      title: "Taken over",
      message: "They are among your changes now. Nothing is applied yet.",
    });
  };
  return (
    <Alert color="blue" title={`How to go back to state ${to}`}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          This is what has to change. Take it over as changes of yours, which you can test and
          review before you apply them; or copy the text of a resource and put it into its file.
        </Text>
        <Button
          disabled={!resources}
          leftSection={<IconArrowBackUp size={15} aria-hidden />}
          onClick={() => resources && take(resources)}
        >
          Take over as my changes
        </Button>
      </Stack>
    </Alert>
  );
}

function entryOf(change: Change, now: Resource[]): Entry {
  const { kind, name } = change;
  const existing = now.find((r) => r.kind === kind && r.name === name);
  return {
    kind,
    name,
    file: kind === "Policy" ? name : fileOf(kind, name, existing),
    text: change.change === "deleted" ? null : textAfter(change),
    base: existing ? textOf(existing) : "",
  };
}
