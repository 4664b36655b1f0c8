// Search over pages, connections, people, and sessions or approvals by their id.
import { Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import {
  IconKeyboard,
  IconPlugConnected,
  IconSearch,
  IconTerminal2,
  IconUser,
} from "@tabler/icons-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useMe } from "@/api/me";
import { usePrincipals } from "@/api/people";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { navItems } from "./navigation";

const SESSION_ID = /^s-[a-z0-9]+$/;
const APPROVAL_ID = /^a-[a-z0-9]+$/;

export function Search({ openHelp }: { openHelp: () => void }) {
  const { admin } = useMe();
  const [query, setQuery] = useState("");
  const groups = useFound(query.trim(), openHelp);
  return (
    <Spotlight
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      shortcut="mod + K"
      limit={12}
      scrollable
      centered={false}
      overlayProps={{ blur: 0, backgroundOpacity: 0.45 }}
      attributes={{ content: { "aria-label": "Search" } }}
      nothingFound="Nothing found. Sessions and approvals are found by their whole id."
      searchProps={{
        leftSection: <IconSearch size={18} stroke={1.7} aria-hidden />,
        placeholder: admin
          ? "Page, connection, person, or the id of a session"
          : "Page, connection, or the id of a session",
        "aria-label": "Search",
      }}
    />
  );
}

function useFound(query: string, openHelp: () => void): SpotlightActionGroupData[] {
  const { admin } = useMe();
  const go = useNavigate();
  const connections = useApi("/v1/connections").data?.connections ?? [];
  const people = usePrincipals();
  const byId = SESSION_ID.test(query)
    ? [{ id: query, label: `Session ${query}`, path: to.session(query) }]
    : APPROVAL_ID.test(query)
      ? [{ id: query, label: `Approval ${query}`, path: to.approval(query) }]
      : [];
  return [
    {
      group: "By id",
      actions: byId.map(({ id, label, path }) => ({
        id,
        label,
        leftSection: <IconTerminal2 size={18} stroke={1.7} aria-hidden />,
        onClick: () => void go(path),
      })),
    },
    {
      group: "Pages",
      actions: [
        ...navItems(admin).map((item) => ({
          id: item.path,
          label: item.label,
          leftSection: <item.icon size={18} stroke={1.7} aria-hidden />,
          onClick: () => void go(item.path),
        })),
        {
          id: "help",
          label: "Keyboard shortcuts",
          leftSection: <IconKeyboard size={18} stroke={1.7} aria-hidden />,
          onClick: openHelp,
        },
      ],
    },
    {
      group: "Connections",
      actions: connections.map((c) => ({
        id: `connection:${c.name}`,
        label: c.name,
        description: `${c.protocol}, ${c.environment}`,
        leftSection: <IconPlugConnected size={18} stroke={1.7} aria-hidden />,
        onClick: () => void go(to.connection(c.name)),
      })),
    },
    {
      group: "People",
      actions: people.map((principal) => ({
        id: principal,
        label: principal,
        leftSection: <IconUser size={18} stroke={1.7} aria-hidden />,
        onClick: () => void go(to.person(principal)),
      })),
    },
  ].filter((group) => group.actions.length > 0);
}
