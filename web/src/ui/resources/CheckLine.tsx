// One line on how a text stands, and what is wrong with it.
import { Group, List, Loader, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { counted } from "../numbers";
import { visible } from "../visible";
import { lineOf } from "./problems";
import type { Check } from "./useCheck";

interface CheckLineProps {
  check: Check;
  /** The file that the editor shows. */
  file?: string;
  /** What it shows, where that is YAML. */
  text?: string;
}

export function CheckLine({ check, file, text }: CheckLineProps) {
  const { problems } = check;
  return (
    <div role="status" aria-label="Check">
      <Group gap={6} wrap="nowrap" mih={check.state === "nothing" ? undefined : 22}>
        <Standing check={check} />
      </Group>
      {problems.length > 0 && (
        <List size="sm" spacing={2} mt={4}>
          {problems.map((p) => (
            <List.Item key={`${p.file}:${p.line}:${p.column}:${p.message}`}>
              {lineOf(p, file, text)}
            </List.Item>
          ))}
        </List>
      )}
    </div>
  );
}

function Standing({ check: { state, changes, problems, error } }: { check: Check }) {
  if (state === "nothing") return null;
  if (state === "old") {
    return <Words icon={<Loader size={12} aria-hidden />}>Checking ...</Words>;
  }
  if (state === "failed") {
    return (
      <Words icon={<IconPlugConnectedX size={16} aria-hidden />} color="var(--mantine-color-error)">
        Not checked: {visible(error?.message ?? "")}
      </Words>
    );
  }
  if (state === "wrong") {
    return (
      <Words icon={<IconAlertTriangle size={16} aria-hidden />} color="var(--mantine-color-error)">
        {counted(problems.length, "problem")}
      </Words>
    );
  }
  return (
    <Words
      icon={<IconCircleCheck size={16} aria-hidden />}
      color="var(--mantine-color-green-light-color)"
    >
      {changes.length > 0
        ? `No problems; would change ${counted(changes.length, "resource")}`
        : "No problems; the same as what is in force"}
    </Words>
  );
}

function Words({
  icon,
  color,
  children,
}: {
  icon: ReactNode;
  color?: string;
  children: ReactNode;
}) {
  return (
    <>
      <span style={{ color, display: "inline-flex" }}>{icon}</span>
      <Text size="sm" c={color ?? "dimmed"} component="span">
        {children}
      </Text>
    </>
  );
}
