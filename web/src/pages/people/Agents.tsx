// Agents: who answers for them, and their end.
import { Button } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { PrincipalName } from "@/ui/PrincipalName";
import { useConfirm } from "@/ui/useConfirm";
import { useFilters } from "@/ui/useFilters";
import { type Pages, usePaged } from "@/ui/usePaged";
import { GroupBadges } from "./Groups";
import { OnOffBadge } from "./OnOff";
import { matching } from "./words";

type Agent = Schemas["AgentInfo"];
type AgentsQuery = ReturnType<typeof useAgents>;

export const useAgents = () => useApi("/v1/agents");

export function AllAgents() {
  const query = useAgents();
  const filters = useFilters("text");
  const rows = matching(query.data?.agents, filters.values.text, (a) => [
    a.agent,
    a.owner,
    ...a.groups,
  ]);
  const page = usePaged(rows);
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[{ kind: "text", name: "text", label: "Agent, owner or group" }]}
      />
      <AgentTable
        query={query}
        rows={page.rows}
        pages={{ older: page.older }}
        withOwner
        linked
        filtered={filters.any}
      />
    </>
  );
}

interface AgentTableProps {
  query: AgentsQuery;
  rows: Agent[] | undefined;
  /** Where the list has pages: where older rows go on. */
  pages?: Pages;
  withOwner?: boolean;
  /** Only administrators see pages of agents. */
  linked?: boolean;
  filtered?: boolean;
}

export function AgentTable({ query, rows, pages, withOwner, linked, filtered }: AgentTableProps) {
  const owner: Column<Agent> = {
    header: "Who answers for it",
    cell: (a) => <PrincipalName id={a.owner} href={linked ? to.person(a.owner) : undefined} />,
  };
  const columns: Column<Agent>[] = [
    { header: "Agent", cell: (a) => <PrincipalName id={a.agent} /> },
    ...(withOwner ? [owner] : []),
    { header: "Groups", cell: (a) => <GroupBadges groups={a.groups} /> },
    { header: "Valid tokens", align: "right", width: "7rem", cell: (a) => a.tokens },
    { header: "State", width: "6rem", cell: (a) => <OnOffBadge off={!a.on} /> },
    { header: "Act", align: "right", width: "7rem", cell: (a) => <EndAgent agent={a.agent} /> },
  ];
  return (
    <DataTable
      label="Agents"
      query={query}
      rows={rows}
      columns={columns}
      rowKey={(a) => a.agent}
      rowHref={linked ? (a) => to.person(a.agent) : undefined}
      {...pages}
      empty={
        filtered
          ? { title: "No agent like that", hint: "Change the filter." }
          : {
              title: "No agents",
              hint: "Whoever creates a token for an agent makes one. It acts in their groups, and they answer for it.",
            }
      }
    />
  );
}

export function EndAgent({ agent }: { agent: string }) {
  const confirm = useConfirm();
  const end = useSend("post", "/v1/agents/{id}/end", { also: ["sessions", "approvals"] });
  const ask = async () => {
    const yes = await confirm({
      title: `End ${agent}?`,
      body: "It ends for good, with its tokens, its requests and its live sessions. One that a file declares is switched off instead.",
      confirm: "End agent",
      danger: true,
    });
    if (yes) end.mutate({ params: { path: { id: agent } } });
  };
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={end.isPending}
      onClick={() => void ask()}
      aria-label={`End ${agent}`}
    >
      End
    </Button>
  );
}
