// One data class: a form and its text, both into the draft.
import { Anchor, Button, Grid, Group, Skeleton, Stack, Title } from "@mantine/core";
import { IconArrowBackUp, IconTrash } from "@tabler/icons-react";
import { Link, useNavigate, useParams } from "react-router";
import { to } from "@/app/to";
import { HostileText } from "@/ui/HostileText";
import { ResourceForm } from "@/ui/resources/form";
import { YamlEditor } from "@/ui/resources/YamlEditor";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { keyOf } from "../draft/entries";
import { ItemNotes } from "../draft/ItemNotes";
import { StateBadge } from "../draft/StateBadge";
import { useDraftCheck } from "../draft/useDraftCheck";
import { changed, type Edited, useEdited } from "../draft/useEdited";
import { ClassForm } from "./ClassForm";

const KIND = "DataClass";

export function Component() {
  const { name = "" } = useParams();
  const edited = useEdited(KIND);
  const { query, items } = edited;
  const item = items?.find((i) => i.name === name);
  if (item) return <One key={name} item={item} edited={edited} />;
  if (query.error && !items) {
    return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  }
  if (!items) return <Skeleton height={360} aria-label="Loading" />;
  return (
    <EmptyState
      title="No such data class"
      hint="It may have been taken away."
      action={
        <Button component={Link} to={to.dataClasses} variant="default">
          All data classes
        </Button>
      }
    />
  );
}

function One({ item, edited }: { item: Edited; edited: ReturnType<typeof useEdited> }) {
  const { put, drop, draft } = edited;
  const check = useDraftCheck(draft);
  const go = useNavigate();
  const key = keyOf(item);
  const deleted = item.state === "deleted";
  const change = (text: string) => put(changed(item, text));
  const undo = () => {
    drop(item);
    if (!item.existing) void go(to.dataClasses);
  };
  return (
    <Stack gap="md">
      <Group gap="xs">
        <Title order={2}>
          <Anchor component={Link} to={to.dataClasses} inherit underline="always">
            Data classes
          </Anchor>
          {" / "}
          <HostileText text={item.name} />
        </Title>
        <StateBadge state={item.state} />
        <Group gap="xs" ml="auto">
          {item.entry && (
            <Button
              variant="default"
              leftSection={<IconArrowBackUp size={15} aria-hidden />}
              onClick={undo}
            >
              Undo changes
            </Button>
          )}
          {item.existing && !deleted && (
            <Button
              variant="default"
              leftSection={<IconTrash size={15} aria-hidden />}
              onClick={() => put(changed(item, null))}
            >
              Delete
            </Button>
          )}
        </Group>
      </Group>
      <ItemNotes item={item} put={put} drop={drop} />
      {!deleted && (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, lg: 7 }}>
            <ResourceForm kind={KIND} text={item.text} onChange={change} file={key} check={check}>
              <ClassForm />
            </ResourceForm>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 5 }}>
            <Section title="As a file">
              <YamlEditor
                label="Data class as YAML"
                file={key}
                text={item.text}
                onChange={change}
                check={check}
                name={item.name}
              />
            </Section>
          </Grid.Col>
        </Grid>
      )}
    </Stack>
  );
}
