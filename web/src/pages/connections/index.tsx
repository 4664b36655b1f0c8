// The connections that the reader may use: search, labels, health, and whether they may connect.
import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { HostileText } from "@/ui/HostileText";
import { count, counted } from "@/ui/numbers";
import { PageHeader } from "@/ui/PageHeader";
import { type Filters, useFilters } from "@/ui/useFilters";
import { visible } from "@/ui/visible";
import { Access } from "./Access";
import type { Connection } from "./connect/reach";
import { each, find, splitLabels } from "./find";
import { Health } from "./Health";
import { Labels } from "./Labels";

type Name = "q" | "protocol" | "environment" | "label";

// More than anybody reads; searching finds the rest.
const MOST = 250;

const COLUMNS: Column<Connection>[] = [
  { header: "Name", cell: (c) => <HostileText text={c.name} />, width: "22%" },
  { header: "Protocol", cell: (c) => c.protocol },
  { header: "Environment", cell: (c) => visible(c.environment) },
  { header: "Labels", cell: (c) => <Labels connection={c} />, hideBelow: "md" },
  { header: "Accounts", cell: (c) => visible(c.accounts.join(", ")), hideBelow: "lg" },
  { header: "Health", cell: (c) => <Health health={c.health} /> },
  { header: "May I connect", cell: (c) => <Access connection={c} /> },
];

export function Component() {
  const { admin } = useMe();
  const filters = useFilters("q", "protocol", "environment", "label");
  const query = useApi("/v1/connections");
  const all = query.data?.connections ?? [];
  const found = query.data && find(all, filters.values);
  return (
    <>
      <PageHeader
        title="Connections"
        about="Databases and services that you reach through the gateway."
        actions={admin && <NewButton />}
      />
      <FilterBar
        filters={filters}
        fields={[
          { kind: "text", name: "q", label: "Search connections" },
          {
            kind: "choice",
            name: "protocol",
            label: "Protocol",
            options: each(all.map((c) => c.protocol)),
          },
          {
            kind: "choice",
            name: "environment",
            label: "Environment",
            options: each(all.map((c) => c.environment)),
          },
        ]}
      >
        {found && (
          <Text size="xs" c="dimmed" role="status">
            {found.length === all.length
              ? counted(all.length, "connection")
              : `${count(found.length)} of ${counted(all.length, "connection")}`}
          </Text>
        )}
      </FilterBar>
      <ChosenLabels filters={filters} />
      <DataTable
        label="Connections"
        query={query}
        rows={found?.slice(0, MOST)}
        rowKey={(c) => c.name}
        rowHref={(c) => to.connection(c.name)}
        columns={COLUMNS}
        empty={emptyWords(filters.any, admin)}
      />
      {found && found.length > MOST && (
        <Text size="sm" c="dimmed" mt="sm">
          These are the first {count(MOST)} of {count(found.length)}. Search to find the others.
        </Text>
      )}
    </>
  );
}

function emptyWords(filtered: boolean, admin: boolean) {
  if (filtered) {
    return { title: "No such connection", hint: "Change the search or clear the filters." };
  }
  if (admin) {
    return {
      title: "No connections yet",
      hint: "Register the first database or service that people should reach through the gateway.",
      action: <NewButton />,
    };
  }
  return {
    title: "No connections for you",
    hint: "No policy lets you connect to anything. Ask whoever administers the gateway.",
  };
}

function NewButton() {
  return (
    <Button component={Link} to={to.newConnection} leftSection={<IconPlus size={15} aria-hidden />}>
      Register a connection
    </Button>
  );
}

function ChosenLabels({ filters }: { filters: Filters<Name> }) {
  const chosen = splitLabels(filters.values.label);
  if (chosen.length === 0) return null;
  return (
    <Group gap={6} mb="md" role="group" aria-label="Chosen labels">
      <Text size="xs" c="dimmed">
        With
      </Text>
      {chosen.map((label) => (
        <Badge
          key={label}
          component="button"
          type="button"
          aria-label={`Without ${visible(label)}`}
          rightSection={<IconX size={12} aria-hidden />}
          style={{ cursor: "pointer" }}
          onClick={() => filters.set({ label: chosen.filter((l) => l !== label).join(",") })}
        >
          {visible(label)}
        </Badge>
      ))}
    </Group>
  );
}
