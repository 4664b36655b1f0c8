// What was sent, what waits, and what was given up.
import { Badge, Button, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { Link } from "react-router";
import { useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import { useCursor } from "@/ui/useCursor";
import { oneOf, useFilters } from "@/ui/useFilters";
import { visible } from "@/ui/visible";
import { ASK_AGAIN_MS, type Delivery, STATES } from "./api";

const COLORS: Record<string, string> = { pending: "yellow", sent: "green", dead: "red" };

interface DeliveriesProps {
  /** To choose from. */
  notifiers: string[];
  /** Only those of this one. */
  only?: string;
}

export function Deliveries({ notifiers, only }: DeliveriesProps) {
  const filters = useFilters("notifier", "state");
  const { cursor } = useCursor();
  const state = oneOf(filters.values.state, STATES);
  const query = useApi(
    "/v1/deliveries",
    { query: { notifier: only ?? filters.values.notifier, state, cursor } },
    { keep: true, refetchInterval: ASK_AGAIN_MS },
  );
  return (
    <Section title="Deliveries" plain>
      <FilterBar
        filters={filters}
        fields={[
          ...(only
            ? []
            : [
                {
                  kind: "choice" as const,
                  name: "notifier" as const,
                  label: "Notifier",
                  options: notifiers,
                },
              ]),
          { kind: "choice", name: "state", label: "State", options: [...STATES] },
        ]}
      />
      <DataTable
        label="Deliveries"
        query={query}
        rows={query.data?.deliveries}
        older={query.data?.next}
        rowKey={(d) => d.id}
        columns={COLUMNS}
        empty={{
          title: "No deliveries",
          hint: filters.any ? "Change the filters." : "Nothing was sent yet.",
        }}
      />
    </Section>
  );
}

const COLUMNS: Column<Delivery>[] = [
  { header: "Event", cell: (d) => visible([d.event, d.step].filter(Boolean).join(": ")) },
  {
    header: "Notifier",
    cell: (d) => (
      <>
        {visible(d.notifier)}
        {d.recipient && (
          <Text size="xs" c="dimmed" component="div">
            to {visible(d.recipient)}
          </Text>
        )}
      </>
    ),
  },
  {
    header: "About",
    cell: (d) => (d.approval ? <Link to={to.approval(d.approval)}>{d.approval}</Link> : null),
  },
  { header: "When", cell: (d) => <Timestamp at={d.created} /> },
  { header: "State", cell: (d) => <StateOf delivery={d} />, width: "34%" },
  {
    header: "Act",
    cell: (d) => (d.state === "sent" ? null : <Retry delivery={d} />),
    align: "right",
  },
];

function StateOf({ delivery }: { delivery: Delivery }) {
  const { state, tries, next_try, last_error } = delivery;
  return (
    <Stack gap={2} align="flex-start">
      <Badge color={COLORS[state]}>{state === "dead" ? "given up" : state}</Badge>
      {state !== "sent" && (
        <Text size="xs" c="dimmed" component="div">
          {tries === 1 ? "1 try" : `${tries} tries`}
          {next_try != null && (
            <>
              , next <Timestamp at={next_try} />
            </>
          )}
        </Text>
      )}
      {state !== "sent" && last_error && <Text size="xs">{visible(last_error)}</Text>}
    </Stack>
  );
}

function Retry({ delivery }: { delivery: Delivery }) {
  const retry = useSend("post", "/v1/deliveries/{id}/retry");
  return (
    <Button
      size="compact-xs"
      variant="default"
      leftSection={<IconRefresh size={13} aria-hidden />}
      loading={retry.isPending}
      aria-label={`Send again: ${visible(delivery.event)} to ${visible(delivery.notifier)}`}
      onClick={() => retry.mutate({ params: { path: { id: delivery.id } } })}
    >
      Send again
    </Button>
  );
}
