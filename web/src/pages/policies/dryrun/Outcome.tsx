// What a dry run came to: the counts, and the operations that come to something else.
import { Alert, Badge, Group, SimpleGrid, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconArrowRight, IconClockPause } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { Schemas } from "@/api/client";
import { to } from "@/app/to";
import { CodeLine } from "@/ui/CodeLine";
import { type Column, DataTable } from "@/ui/DataTable";
import { Decision } from "@/ui/Decision";
import { HERE } from "@/ui/here";
import { count, counted } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { decided, policiesOf } from "@/ui/resources/decided";
import { Section } from "@/ui/Section";
import { Stat } from "@/ui/Stat";
import { Timestamp } from "@/ui/Timestamp";
import { usePaged } from "@/ui/usePaged";
import { visible } from "@/ui/visible";
import { type Difference, type Repeated, repeated, turnOf, turns } from "./differences";

const COLUMNS: Column<Repeated>[] = [
  {
    header: "Operation",
    cell: ({ newest: { operation } }) => (
      <CodeLine
        code={operation.text}
        language={operation.protocol === "http" ? "http" : "sql"}
        fit
      />
    ),
  },
  {
    header: "Who",
    cell: ({ newest: { operation } }) => <PrincipalName id={operation.principal} />,
    width: "7.5rem",
  },
  {
    header: "Connection",
    cell: ({ newest: { operation } }) => visible(operation.connection),
    width: "6.5rem",
  },
  {
    header: "Times",
    cell: ({ times }) => count(times),
    align: "right",
    width: "4.5rem",
  },
  {
    header: "Newest",
    cell: ({ newest: { operation } }) => <Timestamp at={operation.at} />,
    width: "7rem",
    hideBelow: "lg",
  },
  {
    header: "Before and after",
    cell: ({ newest }) => <Turned difference={newest} />,
    width: "40%",
  },
];

function Turned({ difference }: { difference: Difference }) {
  return (
    <Group gap={6} align="flex-start" wrap="nowrap">
      <Side value={difference.before} />
      <IconArrowRight size={15} aria-label="becomes" style={{ marginTop: 3, flex: "none" }} />
      <Side value={difference.after} />
    </Group>
  );
}

function Side({ value }: { value: unknown }) {
  const told = decided(value);
  const why = policiesOf(told).join(", ") || told.message || "";
  return (
    <div>
      <Decision decision={told.decision} />
      <Text size="xs" c="dimmed">
        {visible(why)}
      </Text>
    </div>
  );
}

export function Outcome({ run }: { run: Schemas["DryRun"] }) {
  const [turn, setTurn] = useState<string | null>(null);
  const found = turns(run.differences);
  const open = found.some((t) => t.id === turn) ? turn : null;
  const shown = useMemo(
    () => run.differences.filter((d) => !open || turnOf(d) === open),
    [run.differences, open],
  );
  const different = useMemo(() => repeated(shown), [shown]);
  const { rows, older } = usePaged(different);
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
        <Stat
          label="Decided again"
          value={count(run.decided)}
          note="with everything else as it is now"
        />
        <Stat
          label="Come to something else"
          value={count(run.differences.length)}
          note={
            different.length < shown.length
              ? `${counted(different.length, "different one")}`
              : undefined
          }
        />
        <Stat
          label="Left out"
          value={count(run.left_out)}
          note="their principal or connection is gone, or their text was not kept whole"
        />
      </SimpleGrid>
      {run.incomplete && (
        <Alert color="yellow" icon={<IconClockPause />} title="Not all of them were looked at">
          The time was up. Choose a connection, a principal or a shorter time.
        </Alert>
      )}
      <Section title="Differences" plain>
        {found.length > 1 && (
          <Group gap={6} mb="sm" role="group" aria-label="Only these differences">
            {found.map((t) => (
              <UnstyledButton
                key={t.id}
                aria-pressed={open === t.id}
                onClick={() => setTurn(open === t.id ? null : t.id)}
              >
                <Badge color={open === t.id ? "sluice" : "gray"} style={{ cursor: "pointer" }}>
                  {`${t.before} to ${t.after}: ${count(t.count)}`}
                </Badge>
              </UnstyledButton>
            ))}
          </Group>
        )}
        <DataTable
          label="Differences"
          query={HERE}
          rows={rows}
          older={older}
          rowKey={(r) => r.key}
          rowHref={({ newest: { operation } }) => to.operation(operation.session, operation.op)}
          columns={COLUMNS}
          empty={{
            title: "No difference",
            hint: `All of ${counted(run.decided, "operation")} come to what they came to before.`,
          }}
        />
      </Section>
    </Stack>
  );
}
