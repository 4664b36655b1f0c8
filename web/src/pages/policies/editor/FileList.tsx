// The policy files and the policies in them.
import { Group, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { IconBan, IconCircleCheck, IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { visible } from "@/ui/visible";
import { StateBadge } from "../draft/StateBadge";
import type { Edited } from "../draft/useEdited";
import classes from "./editor.module.css";
import { outline, type Policy } from "./outline";

interface FileListProps {
  items: Edited[];
  open: string | undefined;
  onOpen: (file: string, policy?: string) => void;
}

export function FileList({ items, open, onOpen }: FileListProps) {
  const [wanted, setWanted] = useState("");
  return (
    <div className={classes.list}>
      <TextInput
        aria-label="Find a policy"
        placeholder="Find a policy"
        size="xs"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={wanted}
        onChange={(e) => setWanted(e.currentTarget.value)}
      />
      <ul aria-label="Policy files" className={classes.files}>
        {items.map((item) => (
          <File
            key={item.name}
            item={item}
            open={item.name === open}
            wanted={wanted}
            onOpen={onOpen}
          />
        ))}
      </ul>
    </div>
  );
}

interface FileProps {
  item: Edited;
  open: boolean;
  wanted: string;
  onOpen: FileListProps["onOpen"];
}

function File({ item, open, wanted, onOpen }: FileProps) {
  const policies = useMemo(() => outline(item.text, item.name), [item]);
  const word = wanted.trim().toLowerCase();
  const shown = policies.filter((p) => `${p.id} ${p.message ?? ""}`.toLowerCase().includes(word));
  if (word && shown.length === 0) return null;
  return (
    <li>
      <button
        type="button"
        className={classes.file}
        aria-current={open || undefined}
        onClick={() => onOpen(item.name)}
      >
        <Group gap={6} wrap="nowrap" justify="space-between">
          <Text
            size="sm"
            fw={600}
            ff="monospace"
            component="span"
            style={{ overflowWrap: "anywhere" }}
          >
            {visible(item.name)}
          </Text>
          <StateBadge state={item.state} />
        </Group>
      </button>
      <ul className={classes.policies}>
        {shown.map((policy) => (
          <li key={`${policy.id}:${policy.line}`}>
            <button
              type="button"
              className={classes.policy}
              title={policy.message ? visible(policy.message) : undefined}
              onClick={() => onOpen(item.name, policy.id)}
            >
              <Effect effect={policy.effect} />
              <span>{visible(policy.id)}</span>
            </button>
          </li>
        ))}
      </ul>
    </li>
  );
}

function Effect({ effect }: Pick<Policy, "effect">) {
  const Icon = effect === "permit" ? IconCircleCheck : IconBan;
  const color = effect === "permit" ? "green" : "red";
  return (
    <>
      <Icon size={14} stroke={1.8} color={`var(--mantine-color-${color}-text)`} aria-hidden />
      <VisuallyHidden>{effect} </VisuallyHidden>
    </>
  );
}
