// Labels of a connection, each the way to the connections that share it.
import { Badge, Group } from "@mantine/core";
import { Link } from "react-router";
import { to } from "@/app/to";
import { visible } from "@/ui/visible";
import type { Connection } from "./connect/reach";
import { labelsOf } from "./find";

export function Labels({ connection }: { connection: Connection }) {
  return (
    <Group gap={4}>
      {labelsOf(connection).map((label) => (
        <Badge
          key={label}
          component={Link}
          to={`${to.connections}?label=${encodeURIComponent(label)}`}
          color="gray"
          variant="default"
          fw={500}
          style={{ cursor: "pointer" }}
          title={`Connections with ${visible(label)}`}
        >
          {visible(label)}
        </Badge>
      ))}
    </Group>
  );
}
