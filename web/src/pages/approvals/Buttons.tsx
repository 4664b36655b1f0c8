// The buttons that decide. None does anything by itself: each opens what asks again.
import { Button } from "@mantine/core";
import { IconBan, IconCheck } from "@tabler/icons-react";
import { useMe } from "@/api/me";
import { oneLine } from "@/ui/CodeLine";
import { type Approval, holds, inShort } from "./approval";
import { useDeciding } from "./decide/Deciding";

interface ButtonsProps {
  approval: Approval;
  /** Large enough for a thumb. */
  large?: boolean;
}

// Nobody listens to a whole statement.
const SPOKEN = 80;

/** A request in a few words, to tell it from others by ear. */
export function spoken(approval: Approval): string {
  const what = oneLine(inShort(approval));
  return `${approval.id}, ${what.length > SPOKEN ? `${what.slice(0, SPOKEN)} …` : what}`;
}

export function DecideButtons({ approval, large = false }: ButtonsProps) {
  const ask = useDeciding();
  const size = large ? "lg" : "sm";
  return (
    <>
      <Button
        size={size}
        variant="default"
        leftSection={<IconBan size={16} aria-hidden />}
        aria-label={`Deny ${spoken(approval)}`}
        onClick={() => ask(approval, "deny")}
      >
        Deny
      </Button>
      <Button
        size={size}
        color="green"
        leftSection={<IconCheck size={16} aria-hidden />}
        aria-label={`Approve ${spoken(approval)}`}
        onClick={() => ask(approval, "approve")}
      >
        Approve
      </Button>
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
  const ask = useDeciding();
  if (!useMayEnd(approval, nowMs)) return null;
  return (
    <Button
      size={size}
      variant="default"
      onClick={() => ask(approval, "end")}
      aria-label={`End ${spoken(approval)}`}
    >
      End
    </Button>
  );
}

export function TakeBackButton({ approval, size = "compact-sm" }: SmallButtonProps) {
  const { principal } = useMe();
  const ask = useDeciding();
  if (approval.state !== "pending" || approval.principal !== principal) return null;
  return (
    <Button
      size={size}
      variant="default"
      onClick={() => ask(approval, "takeBack")}
      aria-label={`Take back ${spoken(approval)}`}
    >
      Take back
    </Button>
  );
}
