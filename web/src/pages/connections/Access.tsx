// Whether the reader may connect, and what to do where not.
import { Anchor, Group, Text } from "@mantine/core";
import { Link } from "react-router";
import { to } from "@/app/to";
import { Decision } from "@/ui/Decision";
import { consent, decided } from "@/ui/resources/decided";
import { visible } from "@/ui/visible";
import type { Connection } from "./connect/reach";

export function Access({ connection }: { connection: Connection }) {
  const told = decided(connection.connect);
  return (
    <Group gap={8}>
      <Decision decision={told.decision} />
      {told.decision === "ask" && (
        <Text size="xs" c="dimmed" component="span">
          by {visible(consent(told))}
        </Text>
      )}
      {told.decision === "ask" && (
        <Anchor
          component={Link}
          to={to.requestAccess(connection.name)}
          size="xs"
          underline="always"
        >
          Request access
        </Anchor>
      )}
    </Group>
  );
}
