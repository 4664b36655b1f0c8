// The data classes: what is sensitive, how it is recognised, how it is shown.
import { Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useNavigate } from "react-router";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { fileOf } from "@/ui/resources/resources";
import { isFields, type Json, parse, print } from "@/ui/resources/yaml";
import { Section } from "@/ui/Section";
import { visible } from "@/ui/visible";
import { StateBadge } from "../draft/StateBadge";
import { type Edited, useEdited } from "../draft/useEdited";
import { askName, nameProblem } from "../editor/NameDialog";
import { maskWords } from "./masks";

const KIND = "DataClass";

const list = (item: Edited, key: string) => {
  const value = parse(item.text).body?.[key];
  return visible((Array.isArray(value) ? value : []).map(pattern).join(", "));
};

function pattern(value: Json): string {
  if (isFields(value)) return `/${String(value.regex ?? "")}/`;
  return String(value);
}

const COLUMNS: Column<Edited>[] = [
  {
    header: "Name",
    cell: (c) => (
      <Group gap={6} display="inline-flex">
        <HostileText text={c.name} />
        <StateBadge state={c.state} />
      </Group>
    ),
  },
  { header: "Columns", cell: (c) => <Mono text={list(c, "columns")} /> },
  { header: "Fields", cell: (c) => <Mono text={list(c, "fields")} />, hideBelow: "md" },
  { header: "Detectors", cell: (c) => <Mono text={list(c, "detectors")} /> },
  { header: "Mask", cell: (c) => visible(maskWords(parse(c.text).body?.mask)) },
];

function Mono({ text }: { text: string }) {
  if (!text)
    return (
      <Text size="sm" c="dimmed">
        none
      </Text>
    );
  return (
    <Text size="xs" ff="monospace">
      {text}
    </Text>
  );
}

export function Component() {
  const { query, items, put } = useEdited(KIND);
  const go = useNavigate();
  const create = async () => {
    const taken = (items ?? []).map((i) => i.name);
    const name = await askName({
      title: "New data class",
      label: "Name",
      description: "Policies call it by this name.",
      placeholder: "iban",
      problem: (name) => nameProblem(name, taken),
    });
    if (!name) return;
    const text = print(KIND, { name, mask: "redact" });
    put({ kind: KIND, name, file: fileOf(KIND, name), text, base: "" });
    void go(to.dataClass(name));
  };
  const button = (
    <Button leftSection={<IconPlus size={15} aria-hidden />} onClick={() => void create()}>
      New data class
    </Button>
  );
  return (
    <Stack gap="md">
      <DirectoryNote />
      <Section title="Data classes" actions={button} plain>
        <DataTable
          label="Data classes"
          query={query}
          rows={items}
          rowKey={(c) => c.name}
          rowHref={(c) => to.dataClass(c.name)}
          columns={COLUMNS}
          empty={{
            title: "No data classes yet",
            hint: "Without one, nothing is masked. Say what is sensitive and how it is recognised.",
            action: button,
          }}
        />
      </Section>
    </Stack>
  );
}
