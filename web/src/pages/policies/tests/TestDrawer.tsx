// One policy test, edited into the draft at the side of the list.
import { Button, Drawer, Group, Stack } from "@mantine/core";
import { ResourceForm } from "@/ui/resources/form";
import { YamlEditor } from "@/ui/resources/YamlEditor";
import { visible } from "@/ui/visible";
import { keyOf } from "../draft/entries";
import { ItemNotes } from "../draft/ItemNotes";
import { useDraftCheck } from "../draft/useDraftCheck";
import { changed, type Edited, type useEdited } from "../draft/useEdited";
import { TestForm } from "./TestForm";

interface TestDrawerProps {
  item: Edited | undefined;
  edited: ReturnType<typeof useEdited>;
  onClose: () => void;
}

export function TestDrawer({ item, edited, onClose }: TestDrawerProps) {
  return (
    <Drawer
      opened={item !== undefined}
      onClose={onClose}
      position="right"
      size={620}
      title={item ? `Test ${visible(item.name)}` : ""}
    >
      {item && <One item={item} edited={edited} onClose={onClose} />}
    </Drawer>
  );
}

function One({ item, edited, onClose }: Required<TestDrawerProps> & { item: Edited }) {
  const { put, drop, draft } = edited;
  const check = useDraftCheck(draft);
  const key = keyOf(item);
  const change = (text: string) => put(changed(item, text));
  return (
    <Stack gap="md">
      <ItemNotes item={item} put={put} drop={drop} />
      {item.state !== "deleted" && (
        <>
          <ResourceForm
            kind={item.kind}
            text={item.text}
            onChange={change}
            file={key}
            check={check}
          >
            <TestForm />
          </ResourceForm>
          <YamlEditor
            label="Test as YAML"
            file={key}
            text={item.text}
            onChange={change}
            check={check}
            name={item.name}
            minHeight={150}
          />
        </>
      )}
      <Group justify="space-between">
        <Group gap="xs">
          {item.entry && (
            <Button variant="default" onClick={() => drop(item)}>
              Undo changes
            </Button>
          )}
          {item.existing && item.state !== "deleted" && (
            <Button variant="default" onClick={() => put(changed(item, null))}>
              Delete
            </Button>
          )}
        </Group>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
