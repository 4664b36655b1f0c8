// The tables of people, services and agents.
import { Badge } from "@mantine/core";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { PrincipalName } from "@/ui/PrincipalName";
import { useFilters } from "@/ui/useFilters";
import { usePaged } from "@/ui/usePaged";
import { GroupBadges, Members } from "./Groups";
import { OnOffBadge } from "./OnOff";
import { kindOf, matching, type Principal, sourceInWords } from "./words";

type Of = Column<Principal>;

const name: Of = { header: "Name", cell: (p) => <PrincipalName id={p.principal} /> };
const groups: Of = { header: "Groups", cell: (p) => <GroupBadges groups={p.groups} /> };
const source: Of = {
  header: "Known from",
  hideBelow: "md",
  cell: (p) => sourceInWords(p.source),
};
const state: Of = {
  header: "State",
  width: "8rem",
  cell: (p) => <OnOffBadge off={p.disabled} />,
};
const owner: Of = {
  header: "Who answers for it",
  cell: (p) =>
    p.owner ? <PrincipalName id={p.owner} href={to.person(p.owner)} /> : "nobody that was named",
};

const TEXTS = {
  user: { label: "Users", hint: "They come from files and from identity providers." },
  service: { label: "Services", hint: "They are declared in files, as kind: Service." },
};

export function Principals({ kind }: { kind: "user" | "service" }) {
  const { label, hint } = TEXTS[kind];
  const query = useApi("/v1/principals");
  const filters = useFilters("text", "state");
  const { text, state: wanted } = filters.values;
  const rows = matching(query.data?.principals, text, (p) => [
    p.principal,
    p.source,
    p.owner,
    ...p.groups,
  ])?.filter((p) => kindOf(p.principal) === kind && (!wanted || p.disabled === (wanted === "off")));
  const page = usePaged(rows);
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[
          { kind: "text", name: "text", label: "Name or group" },
          {
            kind: "choice",
            name: "state",
            label: "State",
            options: [
              { value: "on", label: "On" },
              { value: "off", label: "Off" },
            ],
          },
        ]}
      />
      <DataTable
        label={label}
        query={query}
        rows={page.rows}
        columns={kind === "user" ? [name, groups, source, state] : [name, owner, groups, state]}
        rowKey={(p) => p.principal}
        rowHref={(p) => to.person(p.principal)}
        older={page.older}
        empty={
          filters.any
            ? { title: "Nobody like that", hint: "Change the filters." }
            : { title: "Nobody yet", hint }
        }
      />
    </>
  );
}

export function GroupList() {
  const query = useApi("/v1/groups");
  const filters = useFilters("text");
  const page = usePaged(
    matching(query.data?.groups, filters.values.text, (g) => [g.name, ...g.members]),
  );
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[{ kind: "text", name: "text", label: "Group or member" }]}
      />
      <DataTable
        label="Groups"
        query={query}
        rows={page.rows}
        rowKey={(g) => g.name}
        older={page.older}
        columns={[
          { header: "Group", cell: (g) => <Badge color="gray">{g.name}</Badge> },
          { header: "Members", align: "right", width: "6rem", cell: (g) => g.members.length },
          { header: "Who", cell: (g) => <Members ids={g.members} /> },
        ]}
        empty={{
          title: filters.any ? "No group like that" : "Nobody is in a group",
          hint: filters.any
            ? "Change the filter."
            : "Groups come from files and from identity providers.",
        }}
      />
    </>
  );
}
