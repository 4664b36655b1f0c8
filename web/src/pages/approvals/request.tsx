// Asks ahead for a window on a connection.
import { Button, Group, Select, Stack, Text, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { EmptyState, ErrorState } from "@/ui/states";
import { decisionOf } from "./decision";
import { WindowField } from "./WindowField";

const HOUR = 3_600;

export function Component() {
  const connections = useApi("/v1/connections");
  const usable = connections.data?.connections.filter((c) => decisionOf(c.connect) !== "deny");
  return (
    <>
      <PageHeader
        title="Request access"
        about="A window of time on a connection, in which everything that the policy asks an approval for may be done."
      />
      {connections.error && !usable ? (
        <ErrorState error={connections.error} retry={() => void connections.refetch()} />
      ) : usable?.length === 0 ? (
        <EmptyState
          title="There is no connection that you could ask for"
          hint="A policy has to let you connect, if only after an approval. Ask an administrator for one."
        />
      ) : (
        <Form
          names={(usable ?? []).map(({ name, protocol, environment }) => ({
            value: name,
            label: `${name} (${[protocol, environment].filter(Boolean).join(", ")})`,
          }))}
        />
      )}
    </>
  );
}

function Form({ names }: { names: { value: string; label: string }[] }) {
  const [query] = useSearchParams();
  const [chosen, setChosen] = useState<string | null>(query.get("connection"));
  const [length, setLength] = useState<number | null>(HOUR);
  const [reason, setReason] = useState("");
  const send = useSend("post", "/v1/requests", { quiet: true });
  const go = useNavigate();
  const connection = names.some((n) => n.value === chosen) ? chosen : null;
  const ready = connection && length && reason.trim() !== "";

  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (!ready) return;
    send.mutate(
      { body: { connection, window_seconds: length, reason: reason.trim() } },
      { onSuccess: ({ id }) => void go(to.approval(id)) },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md" maw={520}>
        <Select
          label="Connection"
          placeholder="Where"
          required
          searchable
          data={names}
          value={connection}
          onChange={setChosen}
          nothingFoundMessage="No connection of that name that you could ask for"
        />
        <WindowField label="How long" value={length} onChange={setLength} />
        <Textarea
          label="Reason"
          description="Whoever decides reads it, and it goes on record."
          required
          autosize
          minRows={3}
          maxLength={500}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
        />
        <Text size="sm" c="dimmed">
          The clock starts when the last approver agrees. Asking for nothing more than you need gets
          quicker answers.
        </Text>
        {send.error && <ErrorState error={send.error} />}
        <Group>
          <Button type="submit" size="sm" loading={send.isPending} disabled={!ready}>
            Ask for access
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
