// The log: what was changed through the control plane, and whether everything on record is as it was written.
import { useApi } from "@/api/query";
import { FilterBar } from "@/ui/FilterBar";
import { PageHeader } from "@/ui/PageHeader";
import { Pager } from "@/ui/Pager";
import { resolveRange } from "@/ui/range";
import { EmptyState, ErrorState } from "@/ui/states";
import { useCursor } from "@/ui/useCursor";
import { useFilters } from "@/ui/useFilters";
import { ACTS } from "./acts";
import { Entries, EntriesLoading } from "./Entries";
import { Standing } from "./Standing";

export function Component() {
  const filters = useFilters("text", "actor", "act", "range", "from", "to");
  const { cursor } = useCursor();
  const { text, actor, act } = filters.values;
  const query = { text, actor, act, cursor, ...resolveRange(filters.values) };
  const log = useApi("/v1/log", { query }, { keep: true });
  const people = useApi("/v1/principals").data?.principals ?? [];
  const entries = log.data?.entries;
  return (
    <>
      <PageHeader
        title="Log"
        about="Every change through the control plane, every look at others' records, and gaps. It is append-only and signed."
      />
      <Standing />
      <FilterBar
        filters={filters}
        fields={[
          { kind: "text", name: "text", label: "Words in subject or detail" },
          { kind: "time" },
          { kind: "suggest", name: "act", label: "Act", options: ACTS },
          {
            kind: "suggest",
            name: "actor",
            label: "Who (user:ada)",
            options: people.map((p) => p.principal),
          },
        ]}
      />
      {log.error && !entries ? (
        <ErrorState error={log.error} retry={() => void log.refetch()} />
      ) : !entries ? (
        <EntriesLoading />
      ) : entries.length === 0 ? (
        <EmptyState
          title={filters.any ? "No entry found" : "The log is empty"}
          hint={
            filters.any
              ? "Change the filters, or clear them. Words are found by their beginnings."
              : "Changes appear here about a second after they were made."
          }
        />
      ) : (
        <Entries entries={entries} busy={log.isPlaceholderData} />
      )}
      <Pager older={log.data?.next} label="Log" />
    </>
  );
}
