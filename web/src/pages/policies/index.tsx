// Policy files: what stands in them, and an editor that is checked while one types.
import { Button, Group, Menu, Skeleton, Stack, Text } from "@mantine/core";
import { IconArrowBackUp, IconFilePlus, IconHistory, IconTrash } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { to } from "@/app/to";
import { Editor } from "@/ui/Editor";
import { CheckLine } from "@/ui/resources/CheckLine";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { marksOf } from "@/ui/resources/problems";
import { EmptyState, ErrorState } from "@/ui/states";
import { visible } from "@/ui/visible";
import { type Draft, keyOf } from "./draft/entries";
import { ItemNotes } from "./draft/ItemNotes";
import { StateBadge } from "./draft/StateBadge";
import { useDraftCheck } from "./draft/useDraftCheck";
import { changed, type Edited, useEdited } from "./draft/useEdited";
import classes from "./editor/editor.module.css";
import { FileList } from "./editor/FileList";
import { askName, fileProblem, withEnding } from "./editor/NameDialog";
import { outline } from "./editor/outline";

const KIND = "Policy";
const BEGUN = `// Whatever no policy permits is refused.

@id("my-policy")
permit (principal in Group::"engineering", action in Action::"read", resource in Environment::"staging");
`;

export function Component() {
  const edited = useEdited(KIND);
  const { query, items, put } = edited;
  const [wanted, setWanted] = useSearchParams();
  const policy = wanted.get("policy") ?? undefined;
  const open = useMemo(
    () => items && (fileNamed(items, wanted.get("file")) ?? fileWith(items, policy) ?? items[0]),
    [items, wanted, policy],
  );
  const show = (file: string, id?: string) =>
    setWanted(id ? { file, policy: id } : { file }, { preventScrollReset: true });

  const create = async () => {
    const taken = (items ?? []).map((i) => i.name);
    const name = await askName({
      title: "New policy file",
      label: "File",
      placeholder: "payments.cedar",
      problem: (name) => fileProblem(name, taken),
    });
    if (!name) return;
    const file = withEnding(name);
    put({ kind: KIND, name: file, file, text: BEGUN, base: "" });
    show(file);
  };

  if (query.error && !items) {
    return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  }
  const create_button = (
    <Button
      variant="default"
      leftSection={<IconFilePlus size={15} aria-hidden />}
      onClick={() => void create()}
    >
      New policy file
    </Button>
  );
  if (items?.length === 0) {
    return (
      <EmptyState
        title="No policies yet"
        hint="Nobody can do anything until a policy permits it."
        action={create_button}
      />
    );
  }
  return (
    <Stack gap="md">
      <DirectoryNote />
      <div className={classes.split}>
        <Stack gap="sm">
          {items ? (
            <FileList items={items} open={open?.name} onOpen={show} />
          ) : (
            <Skeleton height={240} aria-label="Loading" />
          )}
          {create_button}
        </Stack>
        {open && <OneFile key={open.name} item={open} policy={policy} edited={edited} />}
      </div>
    </Stack>
  );
}

function fileNamed(items: Edited[], name: string | null): Edited | undefined {
  return items.find((i) => i.name === name);
}

function fileWith(items: Edited[], policy: string | undefined): Edited | undefined {
  if (!policy) return undefined;
  return items.find((i) => outline(i.text, i.name).some((p) => p.id === policy));
}

interface OneFileProps {
  item: Edited;
  policy: string | undefined;
  edited: Pick<ReturnType<typeof useEdited>, "put" | "drop"> & { draft: Draft };
}

function OneFile({ item, policy, edited: { put, drop, draft } }: OneFileProps) {
  const check = useDraftCheck(draft);
  const key = keyOf(item);
  const marks = useMemo(() => marksOf(check.problems, key), [check.problems, key]);
  const goTo = useGoTo(item, policy);
  const deleted = item.state === "deleted";
  return (
    <Stack gap="sm" component="section" aria-label={`Policy file ${item.name}`}>
      <Group gap="xs">
        <Text component="h2" fw={600} ff="monospace" style={{ overflowWrap: "anywhere" }}>
          {visible(item.name)}
        </Text>
        <StateBadge state={item.state} />
        <Group gap="xs" ml="auto">
          {item.entry && (
            <Button
              variant="default"
              leftSection={<IconArrowBackUp size={15} aria-hidden />}
              onClick={() => drop(item)}
            >
              Undo changes
            </Button>
          )}
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default">More</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                component={Link}
                to={`${to.history}?kind=${KIND}&name=${encodeURIComponent(item.name)}`}
                leftSection={<IconHistory size={15} aria-hidden />}
              >
                History of this file
              </Menu.Item>
              <Menu.Item
                color="red"
                disabled={deleted}
                leftSection={<IconTrash size={15} aria-hidden />}
                onClick={() => put(changed(item, null))}
              >
                Delete this file
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      <ItemNotes item={item} put={put} drop={drop} />
      <Editor
        label={`Policies in ${item.name}`}
        language="cedar"
        value={item.text}
        readOnly={deleted}
        marks={marks}
        goTo={goTo}
        minHeight={420}
        onChange={(text) => put(changed(item, text))}
      />
      {item.entry ? (
        <CheckLine check={check} file={key} />
      ) : (
        <Text size="sm" c="dimmed">
          This is in force. What you change is checked at once and applied when you say so.
        </Text>
      )}
    </Stack>
  );
}

/** Where the editor goes: to the policy that was asked for, whenever it is asked for. */
function useGoTo(item: Edited, policy: string | undefined) {
  const [params] = useSearchParams();
  const [goTo, setGoTo] = useState<{ line: number }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: going there again is for a new address, not for each key.
  useEffect(() => {
    const found = outline(item.text, item.name).find((p) => p.id === policy);
    if (found) setGoTo({ line: found.line });
  }, [params, item.name]);
  return goTo;
}
