// A decision, told by colour, icon and word alike.
import { Badge } from "@mantine/core";
import { IconBan, IconCircleCheck, IconHandStop } from "@tabler/icons-react";

export type DecisionWord = "allow" | "ask" | "deny";

const LOOKS = {
  allow: { color: "green", icon: IconCircleCheck, title: "it may run" },
  ask: { color: "yellow", icon: IconHandStop, title: "it may run once humans agree" },
  deny: { color: "red", icon: IconBan, title: "it may not run" },
};

export function Decision({ decision }: { decision: DecisionWord }) {
  const { color, icon: Icon, title } = LOOKS[decision];
  return (
    <Badge
      color={color}
      title={title}
      miw="max-content"
      leftSection={<Icon size={13} stroke={2} aria-hidden />}
    >
      {decision}
    </Badge>
  );
}
