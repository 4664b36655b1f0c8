// Replaces a token: a new secret for the same, while the old one goes on for a while.
import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useSend } from "@/api/query";
import { ErrorState } from "@/ui/states";
import { LIVES, OVERLAPS, USUAL_LIFE } from "./lives";
import { Secret } from "./Secret";
import type { Token } from "./words";

interface RotateDialogProps {
  token: Token;
  opened: boolean;
  onClose: () => void;
}

export function RotateDialog({ token, opened, onClose }: RotateDialogProps) {
  const send = useSend("post", "/v1/tokens/{id}/rotate", { quiet: true });
  const close = () => {
    onClose();
    send.reset();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Rotate this token"
      // A secret that is shown once must not go with a stray click.
      closeOnClickOutside={!send.data}
      closeOnEscape={!send.data}
      withCloseButton={!send.data}
    >
      {send.data ? (
        <Secret created={send.data} onDone={close} />
      ) : (
        <Form
          token={token}
          pending={send.isPending}
          error={send.error}
          onCancel={close}
          onSubmit={(body) => send.mutate({ params: { path: { id: token.id } }, body })}
        />
      )}
    </Modal>
  );
}

interface FormProps {
  token: Token;
  pending: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: (body: { ttl_seconds: number; overlap_seconds: number }) => void;
}

function Form({ token, pending, error, onCancel, onSubmit }: FormProps) {
  const [life, setLife] = useState(USUAL_LIFE);
  const [overlap, setOverlap] = useState("3600");
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        onSubmit({ ttl_seconds: Number(life), overlap_seconds: Number(overlap) });
      }}
    >
      <Stack gap="md">
        <Text size="sm">
          A new secret for {token.name || token.id} of {token.principal}, bound as the old one is.
        </Text>
        <Select
          label="The new one lives"
          data={LIVES}
          value={life}
          onChange={(v) => setLife(v ?? USUAL_LIFE)}
          allowDeselect={false}
        />
        <Select
          label="The old one goes on for"
          data={OVERLAPS}
          value={overlap}
          onChange={(v) => setOverlap(v ?? "0")}
          allowDeselect={false}
        />
        {error !== null && <ErrorState error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={pending}>
            Rotate
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
