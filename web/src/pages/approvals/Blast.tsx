// How much it would touch, louder the more it is.
import { Badge, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type Approval, blastRadius } from "./approval";

const COLORS = { plain: "gray", warn: "yellow", danger: "red" };

export function Blast({ approval, always = false }: { approval: Approval; always?: boolean }) {
  const blast = blastRadius(approval);
  if (!blast) {
    return always ? (
      <Text size="sm" c="dimmed" component="span">
        not known: the target gave no estimate
      </Text>
    ) : null;
  }
  const warning = blast.tone !== "plain";
  return (
    <Badge
      color={COLORS[blast.tone]}
      size="lg"
      title="the planner's estimate of the rows that are returned or changed"
      leftSection={warning && <IconAlertTriangle size={14} aria-label="Warning:" role="img" />}
    >
      {blast.words}
    </Badge>
  );
}
