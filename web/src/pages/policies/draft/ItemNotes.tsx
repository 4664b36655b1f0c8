// What to know about a resource that is being changed: deleted in the draft, or overtaken by somebody else.
import { Alert, Button, Stack } from "@mantine/core";
import { textOf } from "@/ui/resources/resources";
import type { Entry } from "./entries";
import type { Edited } from "./useEdited";

interface ItemNotesProps {
  item: Edited;
  put: (entry: Entry) => void;
  drop: (entry: Pick<Entry, "kind" | "name">) => void;
}

export function ItemNotes({ item, put, drop }: ItemNotesProps) {
  const { state, overtaken, entry, existing } = item;
  return (
    <Stack gap="xs">
      {state === "deleted" && (
        <Alert color="red" title="To be deleted">
          It goes when you apply your changes.{" "}
          <Button size="compact-xs" variant="default" onClick={() => drop(item)}>
            Keep it
          </Button>
        </Alert>
      )}
      {overtaken && entry && (
        <Alert color="yellow" title="It has changed on the gateway since you began">
          Applying replaces what is there now; the review shows the difference.{" "}
          <Button size="compact-xs" variant="default" onClick={() => drop(item)}>
            Take what is there
          </Button>{" "}
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => put({ ...entry, base: existing ? textOf(existing) : "" })}
          >
            Keep mine
          </Button>
        </Alert>
      )}
    </Stack>
  );
}
