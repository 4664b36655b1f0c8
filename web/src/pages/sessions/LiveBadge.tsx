// Whether a session lives.
import { Badge } from "@mantine/core";
import { IconCircleFilled } from "@tabler/icons-react";

export function LiveBadge({ live }: { live: boolean }) {
  if (!live) return <Badge color="gray">ended</Badge>;
  return (
    <Badge color="green" leftSection={<IconCircleFilled size={9} aria-hidden />}>
      live
    </Badge>
  );
}
