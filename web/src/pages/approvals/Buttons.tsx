// The buttons that decide. Neither does anything by itself: each opens what asks again.
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBan, IconCheck } from "@tabler/icons-react";
import { useMe } from "@/api/me";
import { ApproveDialog } from "./ApproveDialog";
import { type Approval, holds } from "./approval";
import { useActs } from "./useActs";

interface ButtonsProps {
  approval: Approval;
  /** Large enough for a thumb. */
  large?: boolean;
}

export function DecideButtons({ approval, large = false }: ButtonsProps) {
  const [opened, dialog] = useDisclosure(false);
  const { deny, busy } = useActs(approval);
  const size = large ? "lg" : "sm";
  return (
    <>
      <Button
        size={size}
        variant="default"
        leftSection={<IconBan size={16} aria-hidden />}
        loading={busy}
        onClick={() => void deny()}
      >
        Deny
      </Button>
      <Button
        size={size}
        color="green"
        leftSection={<IconCheck size={16} aria-hidden />}
        onClick={dialog.open}
      >
        Approve
      </Button>
      <ApproveDialog approval={approval} opened={opened} onClose={dialog.close} />
    </>
  );
}

/** Whether the caller may end what was given: who asked, who answers for them, who agreed, administrators. */
export function useMayEnd(approval: Approval, nowMs: number): boolean {
  const { principal, admin } = useMe();
  if (!holds(approval, nowMs)) return false;
  const involved = [approval.principal, approval.owner, ...approval.given.map((g) => g.by)];
  return admin || involved.includes(principal);
}

interface SmallButtonProps {
  approval: Approval;
  /** Small enough for a table unless said otherwise. */
  size?: "compact-sm" | "sm";
}

export function EndButton(props: SmallButtonProps & { nowMs: number }) {
  const { approval, nowMs, size = "compact-sm" } = props;
  const { end, busy } = useActs(approval);
  if (!useMayEnd(approval, nowMs)) return null;
  return (
    <Button
      size={size}
      variant="default"
      loading={busy}
      onClick={() => void end()}
      aria-label={`End ${approval.id}`}
    >
      End
    </Button>
  );
}

export function TakeBackButton({ approval, size = "compact-sm" }: SmallButtonProps) {
  const { principal } = useMe();
  const { takeBack, busy } = useActs(approval);
  if (approval.state !== "pending" || approval.principal !== principal) return null;
  return (
    <Button
      size={size}
      variant="default"
      loading={busy}
      onClick={() => void takeBack()}
      aria-label={`Take back ${approval.id}`}
    >
      Take back
    </Button>
  );
}
