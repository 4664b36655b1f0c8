// How a target was when the gateway last looked at it.
import { Group, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleDashed, IconPlugConnectedX } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { Timestamp } from "@/ui/Timestamp";
import { visible } from "@/ui/visible";

type TargetHealth = Schemas["TargetHealth"];

const LOOKS = {
  good: { icon: IconCircleCheck, color: "var(--mantine-color-green-text)", word: "Reachable" },
  bad: { icon: IconPlugConnectedX, color: "var(--mantine-color-error)", word: "Not reachable" },
  none: { icon: IconCircleDashed, color: "var(--mantine-color-dimmed)", word: "Not looked at" },
};

interface HealthProps {
  health: TargetHealth | null | undefined;
  /** With when that was and what there is to say. */
  whole?: boolean;
}

export function Health({ health, whole = false }: HealthProps) {
  const { icon: Icon, color, word } = LOOKS[health ? (health.ok ? "good" : "bad") : "none"];
  return (
    <div>
      <Group
        gap={5}
        wrap="nowrap"
        display="inline-flex"
        title={health ? visible(health.detail) : ""}
      >
        <Icon size={15} stroke={1.8} color={color} aria-hidden />
        <Text size="sm" component="span" style={{ whiteSpace: "nowrap" }}>
          {word}
        </Text>
      </Group>
      {whole && health && (
        <Text size="xs" c="dimmed" component="div">
          {health.detail && `${visible(health.detail)}, `}
          <Timestamp at={health.at} />
        </Text>
      )}
    </div>
  );
}
