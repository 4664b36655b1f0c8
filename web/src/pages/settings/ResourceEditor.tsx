// One resource as its text: checked while it is typed, reviewed and applied.
import { Button, Group, Stack } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { fileOf, type Resource, textOf } from "@/ui/resources/resources";
import { useCheck } from "@/ui/resources/useCheck";
import { useGuard } from "@/ui/resources/useGuard";
import { useReview } from "@/ui/resources/useReview";
import { YamlEditor } from "@/ui/resources/YamlEditor";
import { parse } from "@/ui/resources/yaml";

interface ResourceEditorProps {
  kind: string;
  existing?: Resource;
  /** What a new one begins as. */
  begun: string;
  before?: (name: string) => ReactNode;
  label: string;
  /** Where to go once it is applied or deleted. */
  back: string;
}

export function ResourceEditor(props: ResourceEditorProps) {
  const { kind, existing, begun, before, label, back } = props;
  const [first] = useState(() => (existing ? textOf(existing) : begun));
  const [text, setText] = useState(first);
  const said = useMemo(() => parse(text), [text]);
  const file = fileOf(kind, said.name, existing);
  const touched = text !== first;
  const changed = touched || !existing;
  const sent = { files: [{ name: file, text }] };
  const check = useCheck(changed ? sent : null);
  const review = useReview();
  const go = useNavigate();
  const leave = useGuard(touched);
  const apply = async () => {
    if (!(await review({ title: "Review changes", sent }))) return;
    leave();
    void go(back);
  };
  const remove = async (name: string) => {
    const gone = { files: [], delete: [{ kind, name }] };
    if (!(await review({ title: `Delete ${name}?`, sent: gone }))) return;
    leave();
    void go(back);
  };
  return (
    <Stack gap="md">
      <DirectoryNote />
      {before?.(said.name)}
      <YamlEditor
        label={label}
        file={file}
        text={text}
        onChange={setText}
        check={check}
        name={existing?.name}
        minHeight={320}
      />
      <Group gap="xs">
        <Button disabled={!changed} onClick={() => void apply()}>
          Review
        </Button>
        {touched && (
          <Button variant="default" onClick={() => setText(first)}>
            Undo changes
          </Button>
        )}
        {existing && (
          <Button
            ml="auto"
            variant="default"
            leftSection={<IconTrash size={15} aria-hidden />}
            onClick={() => void remove(existing.name)}
          >
            Delete
          </Button>
        )}
      </Group>
    </Stack>
  );
}
