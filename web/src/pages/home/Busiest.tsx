// The connections with the most operations in the chosen time.
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { count } from "@/ui/numbers";
import { Section } from "@/ui/Section";
import type { useOverview } from "./useOverview";

type Busy = Schemas["BusyConnection"];

interface BusiestProps {
  query: ReturnType<typeof useOverview>;
  /** As the pages of sessions and operations name it. */
  range: string;
}

export function Busiest({ query, range }: BusiestProps) {
  return (
    <Section title="Busiest connections" plain>
      <DataTable
        label="Busiest connections"
        query={query}
        rows={query.data?.busiest}
        rowKey={(c) => c.connection}
        rowHref={(c) => to.connection(c.connection)}
        columns={columns(range)}
        empty={{
          title: "No operations in this time",
          hint: "Choose a longer time, or connect through the gateway.",
        }}
      />
    </Section>
  );
}

function columns(range: string): Column<Busy>[] {
  const operations = (c: Busy, n: number, filters: Record<string, string>) =>
    n === 0 ? (
      "0"
    ) : (
      <Link to={to.operations({ connection: c.connection, range, ...filters })}>{count(n)}</Link>
    );
  return [
    { header: "Connection", cell: (c) => c.connection },
    { header: "Operations", align: "right", cell: (c) => operations(c, c.operations, {}) },
    {
      header: "Denied",
      align: "right",
      cell: (c) => operations(c, c.denied, { verdict: "deny" }),
    },
    {
      header: "Masked values",
      align: "right",
      cell: (c) => operations(c, c.masked_values, { masked: "true" }),
    },
  ];
}
