// Says, quietly, that what is shown may be old because the live stream is away.
import { Badge, Tooltip } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useLiveState } from "@/api/live";

export function LiveState() {
  const away = useLiveState() === "reconnecting";
  return (
    <span role="status">
      {away && (
        <Tooltip label="Live updates are away; what you see may be old. The console tries again by itself.">
          <Badge color="yellow" leftSection={<IconRefresh size={12} aria-hidden />}>
            reconnecting
          </Badge>
        </Tooltip>
      )}
    </span>
  );
}
