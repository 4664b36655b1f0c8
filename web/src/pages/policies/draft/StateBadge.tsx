// What the draft does to a resource.
import { Badge } from "@mantine/core";
import type { Edited } from "./useEdited";

const COLORS = { new: "green", changed: "blue", deleted: "red" };

export function StateBadge({ state }: Pick<Edited, "state">) {
  if (state === "same") return null;
  return (
    <Badge size="sm" miw="max-content" color={COLORS[state]}>
      {state}
    </Badge>
  );
}
