// Where an approval stands, by colour, icon and word.
import { Badge } from "@mantine/core";
import { IconBan, IconCircleCheck, IconCircleDashed, IconHourglass } from "@tabler/icons-react";
import { type Approval, stateOf } from "./approval";

const ICONS: Record<string, typeof IconBan> = {
  yellow: IconHourglass,
  green: IconCircleCheck,
  red: IconBan,
};

export function StateBadge({ approval, nowMs }: { approval: Approval; nowMs: number }) {
  const { label, color } = stateOf(approval, nowMs);
  const Icon = ICONS[color] ?? IconCircleDashed;
  return (
    <Badge color={color} leftSection={<Icon size={13} stroke={2} aria-hidden />}>
      {label}
    </Badge>
  );
}
