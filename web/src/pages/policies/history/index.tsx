// The history of the resources: who changed what and when, and the difference between any two states.
import { Button, Group, Stack, Text } from "@mantine/core";
import { Link, useSearchParams } from "react-router";
import type { Schemas } from "@/api/client";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { count } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { ChangeBadge, kindWord } from "@/ui/resources/ChangeList";
import { Timestamp } from "@/ui/Timestamp";
import { useCursor } from "@/ui/useCursor";
import { useFilters } from "@/ui/useFilters";
import { visible } from "@/ui/visible";
import { Compare } from "./Compare";

type Entry = Schemas["HistoryEntry"];

const KINDS = [
  "Policy",
  "Connection",
  "DataClass",
  "PolicyTest",
  "User",
  "Service",
  "Agent",
  "IdentityProvider",
  "TrustedIssuer",
  "Notifier",
].map((value) => ({ value, label: kindWord(value) }));
const FEW = 4;

export function Component() {
  const filters = useFilters("kind", "name");
  const { cursor } = useCursor();
  const { kind, name } = filters.values;
  const query = useApi("/v1/history", { query: { kind, name, cursor } }, { keep: true });
  const newest = useApi("/v1/history", { query: { limit: 1 } }).data?.changes[0]?.number;
  return (
    <Stack gap="md">
      <Compare newest={newest} />
      <div>
        <FilterBar
          filters={filters}
          fields={[
            { kind: "choice", name: "kind", label: "Kind", options: KINDS },
            { kind: "text", name: "name", label: "Name of a resource" },
          ]}
        />
        <DataTable
          label="History"
          query={query}
          rows={query.data?.changes}
          older={query.data?.next}
          rowKey={(e) => String(e.number)}
          columns={columns(newest)}
          empty={{
            title: "No changes",
            hint: filters.any ? "Change the filters." : "Nothing was applied yet.",
          }}
        />
      </div>
    </Stack>
  );
}

function columns(newest: number | undefined): Column<Entry>[] {
  return [
    { header: "State", cell: (e) => <strong>{count(e.number)}</strong>, width: "70px" },
    { header: "When", cell: (e) => <Timestamp at={e.at} /> },
    {
      header: "Who",
      cell: (e) => <PrincipalName id={e.actor} href={to.person(e.actor)} />,
      width: "8rem",
    },
    { header: "What", cell: (e) => <What entry={e} />, width: "46%" },
    { header: "Compare", cell: (e) => <Ways number={e.number} newest={newest} /> },
  ];
}

function What({ entry }: { entry: Entry }) {
  const rest = entry.changed.length - FEW;
  return (
    <Stack gap={3}>
      {entry.changed.slice(0, FEW).map((c) => (
        <Group key={`${c.kind}/${c.name}`} gap={6} wrap="nowrap" align="flex-start">
          <ChangeBadge change={c.change} />
          <span>
            {kindWord(c.kind)} <strong>{visible(c.name)}</strong>
          </span>
        </Group>
      ))}
      {rest > 0 && (
        <Text size="xs" c="dimmed">
          and {count(rest)} more
        </Text>
      )}
    </Stack>
  );
}

/** What one can ask about a state: what it changed, what changed since, how to go back. */
function Ways({ number, newest }: { number: number; newest: number | undefined }) {
  const [params] = useSearchParams();
  const way = (from: number, until: number) => {
    const next = new URLSearchParams(params);
    next.set("from", String(from));
    next.set("to", String(until));
    return { search: next.toString() };
  };
  const link = (label: string, where: { search: string }) => (
    <Button component={Link} to={where} size="compact-xs" variant="default" key={label}>
      {label}
    </Button>
  );
  const old = newest !== undefined && number < newest;
  return (
    <Group gap={4}>
      {link("This change", way(number - 1, number))}
      {old && link("Since then", way(number, newest))}
      {old && link("Going back", way(newest, number))}
    </Group>
  );
}
