// The end of each dialog: what happened meanwhile, what went wrong, and the buttons.
import { Alert, Button, Group } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { ErrorState } from "@/ui/states";
import { visible } from "@/ui/visible";
import type { Decision } from "./useDecision";

interface FootProps {
  decision: Decision;
  verb: string;
  color: "green" | "red";
  /** Nothing is missing that has to be said. */
  ready: boolean;
  /** The focus begins at the button that does nothing. */
  focus?: boolean;
  phone: boolean;
  onClose: () => void;
}

export function Foot({ decision, verb, color, ready, focus, phone, onClose }: FootProps) {
  const size = phone ? "lg" : "sm";
  const { over } = decision;
  const close = useRef<HTMLButtonElement>(null);
  // What had the focus may be off now, and what is said stands beside this button.
  useEffect(() => {
    if (over) close.current?.focus();
  }, [over]);
  return (
    <>
      <div role="status">
        {over && (
          <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} title="No longer open">
            {visible(over)}
          </Alert>
        )}
        {decision.notDone && (
          <Alert color="blue" icon={<IconInfoCircle aria-hidden />} title="Nothing was decided">
            The gateway is back, and so far nothing came of what you sent. Press again.
          </Alert>
        )}
      </div>
      {!over && decision.error && <ErrorState error={decision.error} />}
      <Group justify="flex-end" gap="xs" grow={phone}>
        <Button
          ref={close}
          size={size}
          variant="default"
          onClick={onClose}
          data-autofocus={focus ? true : undefined}
        >
          {over ? "Close" : "Cancel"}
        </Button>
        <Button
          size={size}
          type="submit"
          color={color}
          loading={decision.busy}
          disabled={!ready || over !== null}
        >
          {verb}
        </Button>
      </Group>
    </>
  );
}
