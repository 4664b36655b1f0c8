// What an apply changes, or would: each resource with its difference.
import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconMinus, IconPencil, IconPlus } from "@tabler/icons-react";
import { CopyButton } from "../CopyButton";
import { DiffView } from "../DiffView";
import { HostileText } from "../HostileText";
import { fold, textAfter, withoutNulls } from "./diff";
import type { Change } from "./useCheck";

const LOOKS = {
  created: { color: "green", icon: IconPlus },
  updated: { color: "blue", icon: IconPencil },
  deleted: { color: "red", icon: IconMinus },
};

/** `DataClass` in words. */
export function kindWord(kind: string): string {
  if (kind === "Policy") return "policy file";
  return kind.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}

export function ChangeList({ changes }: { changes: Change[] }) {
  return (
    <Stack gap="md">
      {changes.map((change) => (
        <OneChange key={`${change.kind}/${change.name}`} change={change} />
      ))}
    </Stack>
  );
}

export function ChangeBadge({ change }: Pick<Change, "change">) {
  const { color, icon: Icon } = LOOKS[change];
  return (
    <Badge color={color} miw="max-content" leftSection={<Icon size={12} stroke={2} aria-hidden />}>
      {change}
    </Badge>
  );
}

function OneChange({ change }: { change: Change }) {
  const lines = change.kind === "Policy" ? change.diff : withoutNulls(change.diff);
  const text = change.change === "deleted" ? "" : textAfter(change);
  return (
    <section aria-label={`${kindWord(change.kind)} ${change.name}`}>
      <Group gap="xs" mb={6} wrap="nowrap">
        <ChangeBadge change={change.change} />
        <Text size="sm" fw={600} component="h3" style={{ overflowWrap: "anywhere" }}>
          {kindWord(change.kind)} <HostileText text={change.name} mono />
        </Text>
        {text && <CopyButton text={text} what="the whole text after the change" />}
      </Group>
      <DiffView lines={fold(lines)} label={`Difference of ${change.name}`} />
    </section>
  );
}
