// One entry of the timeline in full.
import { Alert, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconLogout } from "@tabler/icons-react";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { Timestamp } from "@/ui/Timestamp";
import type { SessionOpened } from "../record/events";
import type { Entry } from "../record/record";
import { languageOf } from "../words";
import { OperationView } from "./OperationView";
import classes from "./replay.module.css";

interface EntryViewProps {
  entry: Entry;
  session: string;
  opened: SessionOpened | null;
}

export function EntryView({ entry, session, opened }: EntryViewProps) {
  switch (entry.kind) {
    case "op":
      return <OperationView op={entry.op} session={session} opened={opened} />;
    case "gap":
      return (
        <Alert color="red" icon={<IconAlertTriangle />} title="Something may be missing here">
          <Text size="sm">
            <HostileText text={entry.why} />
          </Text>
          <Text size="xs" mt="xs">
            <Timestamp at={entry.at} exactly />
          </Text>
        </Alert>
      );
    case "closed":
      return (
        <Alert color="gray" icon={<IconLogout />} title="Session closed">
          <Text size="sm">
            <HostileText text={entry.why} />
          </Text>
          <Text size="xs" mt="xs">
            <Timestamp at={entry.at} exactly />
          </Text>
        </Alert>
      );
    default:
      return (
        <div className={classes.stack}>
          <div className={classes.titles}>
            <Title order={2}>{entry.kind === "prepared" ? "Prepared" : "Estimate"}</Title>
            <Text size="sm" c="dimmed">
              <Timestamp at={entry.at} exactly />
            </Text>
          </div>
          <CodeBlock code={entry.text} language={languageOf(opened?.protocol)} label="Statement" />
          <Text size="sm">
            {entry.kind === "prepared"
              ? "Sent to the target to be prepared, and not run by that."
              : estimated(entry.rows)}
          </Text>
        </div>
      );
  }
}

function estimated(rows: number | null | undefined): string {
  if (rows === undefined) return "The target's planner was asked how many rows it would touch.";
  if (rows === null)
    return "The target's planner gave no estimate in time. It did not run by that.";
  return `The target's planner expects about ${counted(rows, "row")}. It did not run by that.`;
}
