// A search over very many operations is given up after a while. That is said, with a way to go on.
import { Alert, Button, Text } from "@mantine/core";
import { IconClockSearch } from "@tabler/icons-react";
import { Link } from "react-router";
import { Timestamp } from "@/ui/Timestamp";
import { useCursor } from "@/ui/useCursor";
import classes from "./sessions.module.css";

interface IncompleteProps {
  found: { incomplete?: boolean; next?: string | null } | undefined;
  /** The time of the last one found. */
  last: number | undefined;
}

export function Incomplete({ found, last }: IncompleteProps) {
  const { toOlder } = useCursor();
  if (!found?.incomplete || !found.next) return null;
  const older = toOlder(found.next);
  return (
    <Alert
      color="yellow"
      role="status"
      className={classes.result}
      icon={<IconClockSearch />}
      title="Not everything was searched yet"
    >
      <Text size="sm" mb="xs">
        {last === undefined ? (
          "Nothing was found among the newest operations. There may be something further back."
        ) : (
          <>
            Everything since <Timestamp at={last} exactly /> was searched. There may be more further
            back.
          </>
        )}{" "}
        More filters, such as a connection or a shorter time, make it faster.
      </Text>
      <Button component={Link} to={older.to} state={older.state} variant="default">
        Search further back
      </Button>
    </Alert>
  );
}
