// The top of both lists: which one is shown, and the filters that they share.
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconAdjustments, IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useLocation } from "react-router";
import { usePrincipals } from "@/api/people";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Field, FilterBar } from "@/ui/FilterBar";
import { PageHeader } from "@/ui/PageHeader";
import { SubNav } from "@/ui/SubNav";
import { CURSOR } from "@/ui/useCursor";
import type { Filters } from "@/ui/useFilters";
import { type FilterName, LESS_USED } from "./useFound";

const PHONE = "(max-width: 48em)";

export function ListHeader({ filters }: { filters: Filters<FilterName> }) {
  const { pathname, search } = useLocation();
  const operations = pathname.endsWith("/operations");
  // The filters mean the same in both lists, a place in one of them means nothing to the other.
  const query = new URLSearchParams(search);
  query.delete(CURSOR);
  const also = query.size > 0 ? `?${query}` : "";
  return (
    <>
      <PageHeader
        title={operations ? "Operations" : "Sessions"}
        about={
          operations
            ? "What was asked in every session that you may see, and what was decided."
            : "Who was connected to what. Filters find sessions with at least one such operation."
        }
        actions={
          <Button
            component={Link}
            to="/sessions/player"
            variant="default"
            visibleFrom="sm"
            leftSection={<IconPlayerPlay size={14} aria-hidden />}
          >
            Play a terminal recording
          </Button>
        }
      />
      <SubNav
        label="Lists"
        pages={[
          { label: "Sessions", href: `${to.sessions}${also}`, exact: true },
          { label: "Operations", href: `${to.operations()}${also}` },
        ]}
      />
      <SharedFilters filters={filters} />
    </>
  );
}

function SharedFilters({ filters }: { filters: Filters<FilterName> }) {
  const fields = useFields();
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const inUse = LESS_USED.some((name) => filters.values[name]);
  const [open, setOpen] = useState(false);
  const first = phone ? fields.slice(0, 2) : fields.slice(0, 5);
  return (
    <FilterBar filters={filters} fields={open || inUse ? fields : first}>
      {!inUse && (
        <Button
          variant="subtle"
          color="gray"
          aria-expanded={open}
          leftSection={<IconAdjustments size={14} aria-hidden />}
          onClick={() => setOpen(!open)}
        >
          {open ? "Fewer filters" : "More filters"}
        </Button>
      )}
    </FilterBar>
  );
}

/** The most used ones first: those are shown at once. */
function useFields(): Field<FilterName>[] {
  const connections = useApi("/v1/connections").data?.connections ?? [];
  const protocols = useApi("/v1/protocols").data;
  const people = usePrincipals();
  const actions = [
    ...(protocols?.protocols.flatMap((p) => p.actions) ?? []),
    ...(protocols?.general_actions ?? []),
  ].map((action) => action.name);
  return [
    { kind: "text", name: "text", label: "Words in the operation" },
    { kind: "time" },
    {
      kind: "suggest",
      name: "principal",
      label: "Who (user:ada)",
      options: people,
    },
    {
      kind: "suggest",
      name: "connection",
      label: "Connection",
      options: connections.map((c) => c.name),
    },
    { kind: "choice", name: "verdict", label: "Decision", options: ["allow", "ask", "deny"] },
    {
      kind: "choice",
      name: "live",
      label: "State",
      options: [
        { value: "true", label: "live" },
        { value: "false", label: "ended" },
      ],
    },
    { kind: "text", name: "resource", label: "Table or endpoint" },
    { kind: "suggest", name: "action", label: "Action", options: [...new Set(actions)] },
    { kind: "text", name: "policy", label: "Policy" },
    {
      kind: "choice",
      name: "masked",
      label: "Masked",
      options: [
        { value: "true", label: "with masked values" },
        { value: "false", label: "nothing masked" },
      ],
    },
  ];
}
