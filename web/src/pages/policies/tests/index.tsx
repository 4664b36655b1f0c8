// Policy tests: what should be decided about operations that matter, and whether it is.
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX, IconPlayerPlay, IconPlus } from "@tabler/icons-react";
import { useEffect, useMemo, useRef } from "react";
import { useLocation, useSearchParams } from "react-router";
import type { Schemas } from "@/api/client";
import { useSend } from "@/api/query";
import { CodeLine } from "@/ui/CodeLine";
import { type Column, DataTable } from "@/ui/DataTable";
import { Decision, type DecisionWord } from "@/ui/Decision";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { DecisionText } from "@/ui/resources/DecisionText";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { fileOf } from "@/ui/resources/resources";
import { type Fields, parse, print } from "@/ui/resources/yaml";
import { Section } from "@/ui/Section";
import { ErrorState } from "@/ui/states";
import { oneOf } from "@/ui/useFilters";
import { visible } from "@/ui/visible";
import { pack } from "../draft/entries";
import { StateBadge } from "../draft/StateBadge";
import { type Edited, useEdited } from "../draft/useEdited";
import { askName, nameProblem } from "../editor/NameDialog";
import { TestDrawer } from "./TestDrawer";

const KIND = "PolicyTest";
const OPEN = "test";
const WORDS: DecisionWord[] = ["allow", "ask", "deny"];
type Result = Schemas["PolicyTestResult"];

interface Row extends Edited {
  says: Fields;
  result?: Result;
}

const text = (row: Row, name: string) => {
  const value = row.says[name];
  return typeof value === "string" ? value : "";
};

const COLUMNS: Column<Row>[] = [
  {
    header: "Test",
    cell: (t) => (
      <Group gap={6} display="inline-flex">
        <HostileText text={t.name} />
        <StateBadge state={t.state} />
      </Group>
    ),
    width: "22%",
  },
  { header: "Who", cell: (t) => <PrincipalName id={text(t, "principal")} />, width: "120px" },
  { header: "Connection", cell: (t) => visible(text(t, "connection")), width: "6.5rem" },
  {
    header: "Operation",
    cell: (t) => <CodeLine code={text(t, "operation")} language="sql" fit />,
  },
  { header: "Expected", cell: (t) => <Expected row={t} />, width: "6.5rem" },
  { header: "Result", cell: (t) => <ResultCell result={t.result} />, width: "20%" },
];

function Expected({ row }: { row: Row }) {
  const word = oneOf(text(row, "expect"), WORDS);
  return word ? <Decision decision={word} /> : visible(text(row, "expect"));
}

function ResultCell({ result }: { result: Result | undefined }) {
  if (!result) {
    return (
      <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
        not run
      </Text>
    );
  }
  const Icon = result.ok ? IconCircleCheck : IconCircleX;
  const color = result.ok ? "var(--mantine-color-green-text)" : "var(--mantine-color-error)";
  return (
    <div>
      <Group gap={5} wrap="nowrap">
        <Icon size={16} color={color} aria-hidden />
        <Text size="sm" fw={600} component="span">
          {result.ok ? "passed" : "failed"}
        </Text>
      </Group>
      {!result.ok && result.decision && <DecisionText value={result.decision} />}
      {result.message && <Text size="xs">{visible(result.message)}</Text>}
    </div>
  );
}

export function Component() {
  const edited = useEdited(KIND);
  const { query, items, draft, put } = edited;
  const [params, setParams] = useSearchParams();
  const run = useSend("post", "/v1/policies/test", { quiet: true });
  const { mutate } = run;
  const start = () => mutate({ body: pack(draft).sent });
  useRunOnArrival(start);
  const results = run.data?.tests;
  const rows = useMemo(() => items?.map((item) => rowOf(item, results)), [items, results]);

  const show = (name: string | null) =>
    setParams(name ? { [OPEN]: name } : {}, { preventScrollReset: true });
  const create = async () => {
    const taken = (items ?? []).map((i) => i.name);
    const name = await askName({
      title: "New test",
      label: "Name",
      description: "What it makes sure of.",
      placeholder: "engineers-cannot-drop",
      problem: (name) => nameProblem(name, taken),
    });
    if (!name) return;
    const body = print(KIND, { name, expect: "deny" });
    put({ kind: KIND, name, file: fileOf(KIND, name), text: body, base: "" });
    show(name);
  };
  const add = (
    <Button
      variant="default"
      leftSection={<IconPlus size={15} aria-hidden />}
      onClick={() => void create()}
    >
      New test
    </Button>
  );
  return (
    <Stack gap="md">
      <DirectoryNote />
      {run.error && <ErrorState error={run.error} />}
      {results && <Outcome results={results} withDraft={draft.length > 0} />}
      <Section
        title="Tests"
        plain
        actions={
          <>
            {add}
            <Button
              leftSection={<IconPlayerPlay size={15} aria-hidden />}
              disabled={!items?.length}
              loading={run.isPending}
              onClick={start}
            >
              Run all
            </Button>
          </>
        }
      >
        <DataTable
          label="Tests"
          query={query}
          rows={rows}
          rowKey={(t) => t.name}
          rowHref={(t) => `?${OPEN}=${encodeURIComponent(t.name)}`}
          columns={COLUMNS}
          empty={{
            title: "No tests yet",
            hint: "A test says what should be decided about one operation. Run them before you apply a change.",
            action: add,
          }}
        />
      </Section>
      <TestDrawer
        item={items?.find((i) => i.name === params.get(OPEN))}
        edited={edited}
        onClose={() => show(null)}
      />
    </Stack>
  );
}

function rowOf(item: Edited, results: Result[] | undefined): Row {
  const result = results?.find((r) => r.name === item.name);
  return { ...item, says: parse(item.text).body ?? {}, result };
}

/** Runs them once when the bar of changes leads here. */
function useRunOnArrival(start: () => void) {
  const { state, key } = useLocation();
  const done = useRef("");
  const wanted = (state as { run?: boolean } | null)?.run === true;
  useEffect(() => {
    if (!wanted || done.current === key) return;
    done.current = key;
    start();
  });
}

function Outcome({ results, withDraft }: { results: Result[]; withDraft: boolean }) {
  const failed = results.filter((r) => !r.ok).length;
  const under = withDraft ? "under your changes" : "under what is in force";
  return (
    <Alert
      role="status"
      color={failed > 0 ? "red" : "green"}
      icon={failed > 0 ? <IconCircleX /> : <IconCircleCheck />}
      title={
        failed > 0
          ? `${failed} of ${counted(results.length, "test")} failed, ${under}`
          : `${counted(results.length, "test")} passed, ${under}`
      }
    />
  );
}
