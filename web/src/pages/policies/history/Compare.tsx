// The difference between two states of the resources.
import { Button, Group, NumberInput, Skeleton, Stack, Text } from "@mantine/core";
import { IconArrowRight, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { useApi } from "@/api/query";
import { counted } from "@/ui/numbers";
import { ChangeList } from "@/ui/resources/ChangeList";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { GoingBack } from "./GoingBack";

const state = (text: string | null): number | undefined => {
  const n = Number(text ?? Number.NaN);
  return Number.isInteger(n) && n >= 0 ? n : undefined;
};

export function Compare({ newest }: { newest: number | undefined }) {
  const [params, setParams] = useSearchParams();
  const from = state(params.get("from"));
  const to = state(params.get("to"));
  const put = (change: (next: URLSearchParams) => void) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        change(next);
        return next;
      },
      { preventScrollReset: true },
    );
  return (
    <Section title="Compare two states">
      <Chooser
        from={from}
        to={to}
        newest={newest}
        onCompare={(a, b) =>
          put((next) => {
            next.set("from", String(a));
            next.set("to", String(b));
          })
        }
        onClose={() =>
          put((next) => {
            next.delete("from");
            next.delete("to");
          })
        }
      />
      {from !== undefined && to !== undefined && <Difference from={from} to={to} newest={newest} />}
    </Section>
  );
}

interface ChooserProps {
  from: number | undefined;
  to: number | undefined;
  newest: number | undefined;
  onCompare: (from: number, to: number) => void;
  onClose: () => void;
}

function Chooser({ from, to, newest, onCompare, onClose }: ChooserProps) {
  const [a, setA] = useState<string | number>(from ?? "");
  const [b, setB] = useState<string | number>(to ?? "");
  useEffect(() => {
    setA(from ?? "");
    setB(to ?? newest ?? "");
  }, [from, to, newest]);
  const ready = typeof a === "number" && typeof b === "number";
  const common = { size: "xs", w: 110, min: 0, max: newest, allowDecimal: false } as const;
  return (
    <Group
      gap="sm"
      align="flex-end"
      component="form"
      onSubmit={(e) => {
        e.preventDefault();
        if (ready) onCompare(a, b);
      }}
    >
      <NumberInput
        {...common}
        label="From state"
        placeholder="0: nothing"
        value={a}
        onChange={setA}
      />
      <IconArrowRight size={16} aria-hidden style={{ marginBottom: 6 }} />
      <NumberInput {...common} label="To state" value={b} onChange={setB} />
      <Button type="submit" variant="default" disabled={!ready}>
        Compare
      </Button>
      {from !== undefined && (
        <Button variant="subtle" color="gray" leftSection={<IconX size={14} />} onClick={onClose}>
          Close
        </Button>
      )}
    </Group>
  );
}

interface DifferenceProps {
  from: number;
  to: number;
  newest: number | undefined;
}

function Difference({ from, to, newest }: DifferenceProps) {
  const { data, error, refetch } = useApi("/v1/history/diff", { query: { from, to } });
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={120} mt="md" aria-label="Comparing" />;
  return (
    <Stack gap="md" mt="md">
      {from > to && from === newest && data.changes.length > 0 && (
        <GoingBack to={to} changes={data.changes} />
      )}
      {data.changes.length === 0 ? (
        <EmptyState title="No difference" hint={`State ${from} and state ${to} say the same.`} />
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {counted(data.changes.length, "resource")}{" "}
            {data.changes.length === 1 ? "differs" : "differ"}.
          </Text>
          <ChangeList changes={data.changes} />
        </>
      )}
    </Stack>
  );
}
