// Asks what an approval is for and repeats who, what and where, so that nothing is approved by one tap.
import { Alert, Button, Drawer, Group, Modal, Radio, Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { type ReactNode, useEffect, useState } from "react";
import { useSend } from "@/api/query";
import { ErrorState } from "@/ui/states";
import { type Approval, type ApproveScope, MAX_WINDOW_SECONDS, seconds } from "./approval";
import { Recap } from "./Recap";
import { choicesFor, type Kind } from "./scopes";
import { WindowField } from "./WindowField";

const PHONE = "(max-width: 48em)";
// The sheet opens below the thumb that opened it; a second tap must not go through.
const GUARD_MS = 600;
const HOUR = 3_600;

interface ApproveDialogProps {
  approval: Approval;
  opened: boolean;
  onClose: () => void;
}

export function ApproveDialog({ approval, opened, onClose }: ApproveDialogProps) {
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const title = "Approve this?";
  const content = <Form approval={approval} onClose={onClose} phone={phone} />;
  return phone ? (
    <Drawer opened={opened} onClose={onClose} title={title} position="bottom" size="88%">
      {content}
    </Drawer>
  ) : (
    <Modal opened={opened} onClose={onClose} title={title} size="lg">
      {content}
    </Modal>
  );
}

interface FormProps {
  approval: Approval;
  onClose: () => void;
  phone: boolean;
}

function Form({ approval, onClose, phone }: FormProps) {
  // Large enough for a thumb.
  const size = phone ? "lg" : "sm";
  const choices = choicesFor(approval);
  const most = approval.window_seconds ?? MAX_WINDOW_SECONDS;
  const [kind, setKind] = useState<Kind>("once");
  const [length, setLength] = useState<number | null>(Math.min(HOUR, most));
  const send = useSend("post", "/v1/approvals/{id}/approve", { quiet: true });
  const ready = useReady();

  const scope: ApproveScope | null =
    kind !== "window" ? kind : length ? { window: { seconds: length } } : null;
  const choice = choices.find((c) => c.kind === kind);
  const verb = kind === "window" ? `Approve for ${length ? seconds(length) : "..."}` : choice?.verb;
  const submit = () => {
    if (!scope) return;
    send.mutate(
      { params: { path: { id: approval.id } }, body: { scope } },
      {
        onSuccess: (now) => {
          notifications.show({ color: "green", title: told(now), message: approval.id });
          onClose();
        },
      },
    );
  };
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        <Recap approval={approval} />
        <Radio.Group
          label="What for"
          value={kind}
          onChange={(value) => setKind(value as Kind)}
          name="scope"
        >
          <Stack gap={8} mt={6}>
            {choices.map(({ kind: value, label, about }) => (
              <Choice key={value} value={value} label={label} about={about}>
                {value === "window" && kind === "window" && (
                  <WindowField label="How long" most={most} value={length} onChange={setLength} />
                )}
              </Choice>
            ))}
          </Stack>
        </Radio.Group>
        {approval.people - approval.given.length > 1 && (
          <Alert color="blue" py="xs">
            {`${approval.people} people have to agree; ${approval.given.length} did so far. The narrowest of what all of you give holds.`}
          </Alert>
        )}
        {send.error && <ErrorState error={send.error} />}
        <Group justify="flex-end" gap="xs" grow={phone}>
          <Button size={size} variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button
            size={size}
            type="submit"
            color="green"
            loading={send.isPending}
            disabled={!ready || !scope}
          >
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Choice(props: { value: Kind; label: string; about: string; children?: ReactNode }) {
  const { value, label, about, children } = props;
  return (
    <div>
      <Radio value={value} label={label} description={about} size="sm" />
      {children && <div style={{ margin: "8px 0 0 32px" }}>{children}</div>}
    </div>
  );
}

function useReady(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setReady(true), GUARD_MS);
    return () => clearTimeout(timer);
  }, []);
  return ready;
}

function told(now: Approval): string {
  const missing = now.people - now.given.length;
  if (now.state !== "pending") return "Approved";
  return missing > 0 ? `You agreed; ${missing} more to go` : "You agreed; others have to as well";
}
