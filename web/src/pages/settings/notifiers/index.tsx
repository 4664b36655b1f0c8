// The notifiers: who is told of what, and what became of it.
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { count } from "@/ui/numbers";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import { visible } from "@/ui/visible";
import { ASK_AGAIN_MS, type NotifierInfo } from "./api";
import { Deliveries } from "./Deliveries";
import { TestNotifier } from "./TestNotifier";

const COLUMNS: Column<NotifierInfo>[] = [
  { header: "Name", cell: (n) => <HostileText text={n.name} /> },
  { header: "Kind", cell: (n) => visible(n.kind) },
  { header: "Tells of", cell: (n) => <Events events={n.events} /> },
  { header: "Standing", cell: (n) => <Standing notifier={n} /> },
  {
    header: "Last sent",
    cell: (n) => (n.last_sent ? <Timestamp at={n.last_sent} /> : "never"),
    hideBelow: "md",
  },
  { header: "Try", cell: (n) => <TestNotifier name={n.name} />, align: "right" },
];

function Events({ events }: { events: string[] }) {
  return (
    <Group gap={4}>
      {events.map((event) => (
        <Badge key={event} color="gray" fw={500}>
          {visible(event)}
        </Badge>
      ))}
    </Group>
  );
}

function Standing({ notifier }: { notifier: NotifierInfo }) {
  const { pending, dead, last_error } = notifier;
  return (
    <div>
      <Group gap={4}>
        {dead > 0 && <Badge color="red">{count(dead)} given up</Badge>}
        {pending > 0 && <Badge color="yellow">{count(pending)} waiting</Badge>}
        {dead === 0 && pending === 0 && <Badge color="green">nothing waits</Badge>}
      </Group>
      {last_error && <Text size="xs">{visible(last_error)}</Text>}
    </div>
  );
}

export function Component() {
  const query = useApi("/v1/notifiers", {}, { refetchInterval: ASK_AGAIN_MS });
  const rows = query.data?.notifiers;
  const add = (
    <Button component={Link} to={to.newNotifier()} leftSection={<IconPlus size={15} aria-hidden />}>
      New notifier
    </Button>
  );
  return (
    <Stack gap="lg">
      <Section title="Notifiers" actions={add} plain>
        <DataTable
          label="Notifiers"
          query={query}
          rows={rows}
          rowKey={(n) => n.name}
          rowHref={(n) => to.notifier(n.name)}
          columns={COLUMNS}
          empty={{
            title: "No notifier yet",
            hint: "A notifier tells approvers, or a channel of theirs, that something waits.",
            action: add,
          }}
        />
      </Section>
      {rows && rows.length > 0 && <Deliveries notifiers={rows.map((n) => n.name)} />}
    </Stack>
  );
}
