// Says whether the client still waits: on the spot, and changing while one looks at it.
import { IconPlugConnected, IconPlugConnectedX } from "@tabler/icons-react";
import { HostileText } from "@/ui/HostileText";
import { useNow } from "@/ui/useNow";
import type { Approval } from "./approval";
import classes from "./approvals.module.css";
import { useOpen } from "./useApprovals";
import { whoWaits } from "./waits";

export function WhoWaits({ approval }: { approval: Approval }) {
  const nowMs = useNow();
  // What a dialog was opened with stays as it was; the list of what is open is followed.
  const open = useOpen().data?.approvals;
  const now = open ? open.find((a) => a.id === approval.id) : approval;
  const words = now && whoWaits(now, nowMs);
  if (!words) return null;
  const Icon = now.waiting ? IconPlugConnected : IconPlugConnectedX;
  return (
    <div className={classes.waits} data-here={now.waiting ? true : undefined}>
      <Icon size={16} stroke={1.8} aria-hidden />
      <span>
        <HostileText text={words} />
      </span>
    </div>
  );
}
