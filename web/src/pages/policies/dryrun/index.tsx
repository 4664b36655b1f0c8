// A dry run: recorded operations, decided again under the changes that are not applied yet.
import { Autocomplete, Button, Group, NumberInput, Select, Stack, Text } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import { meant } from "@/api/people";
import { useSend } from "@/api/query";
import { to } from "@/app/to";
import { resolveRange } from "@/ui/range";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { TimeRange } from "@/ui/TimeRange";
import { useFilters } from "@/ui/useFilters";
import { pack } from "../draft/entries";
import { useDraft } from "../draft/useDraft";
import { usePeople } from "../explain/usePeople";
import { Outcome } from "./Outcome";

const USUAL = 1_000;
const MOST = 5_000;

export function Component() {
  const { draft } = useDraft();
  const filters = useFilters("connection", "principal", "range", "from", "to");
  const { connection, principal, ...range } = filters.values;
  const [limit, setLimit] = useState(USUAL);
  const { principals, connections } = usePeople();
  const run = useSend("post", "/v1/policies/dry-run", { quiet: true });
  if (draft.length === 0) {
    return (
      <EmptyState
        title="Nothing is changed"
        hint="Change a policy or a data class first. A dry run then decides recorded operations again and lists those that come to something else. Nothing is applied."
        action={
          <Button component={Link} to={to.policies} variant="default">
            To the policies
          </Button>
        }
      />
    );
  }
  const start = () =>
    run.mutate({
      body: {
        ...pack(draft).sent,
        connection: connection || null,
        principal: meant(principal ?? "", principals) || null,
        from: resolveRange(range).from ?? null,
        limit,
      },
    });
  return (
    <Stack gap="md">
      <Section title="Which operations">
        <Text size="sm" c="dimmed" mb="sm">
          Recorded operations, newest first, are decided again with your changes. Nothing is run and
          nothing is applied.
        </Text>
        <Group gap="sm" align="flex-end">
          <Select
            label="Connection"
            placeholder="All of them"
            size="xs"
            w={180}
            clearable
            searchable
            data={connections.map((c) => c.name)}
            value={connection ?? null}
            onChange={(v) => filters.set({ connection: v ?? "" })}
          />
          <Autocomplete
            label="Who"
            placeholder="Everybody"
            size="xs"
            w={180}
            data={principals}
            limit={30}
            value={principal ?? ""}
            onChange={(v) => filters.set({ principal: v })}
          />
          <TimeRange
            values={range}
            onChange={(r) => filters.set({ range: r.range, from: r.from, to: r.to })}
          />
          <NumberInput
            label="At most"
            size="xs"
            w={110}
            min={1}
            max={MOST}
            step={500}
            allowDecimal={false}
            thousandSeparator=","
            value={limit}
            onChange={(v) => setLimit(Math.min(Math.max(Number(v) || USUAL, 1), MOST))}
          />
          <Button
            leftSection={<IconPlayerPlay size={15} aria-hidden />}
            loading={run.isPending}
            onClick={start}
          >
            Run
          </Button>
        </Group>
      </Section>
      {run.error && <ErrorState error={run.error} />}
      {run.data && <Outcome run={run.data} />}
    </Stack>
  );
}
