// Newer and older pages as links. The cursor is in the address; the way back is in the browser's history.
import { Button } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { Link } from "react-router";
import classes from "./table.module.css";
import { useCursor } from "./useCursor";

export function Pager({ older, label }: { older: string | null | undefined; label: string }) {
  const { newer, toOlder } = useCursor();
  const next = older ? toOlder(older) : null;
  if (!newer && !next) return null;
  return (
    <nav className={classes.pager} aria-label={`Pages of ${label}`}>
      {newer && (
        <Button
          component={Link}
          to={newer.to}
          state={newer.state}
          size="xs"
          variant="default"
          leftSection={<IconChevronLeft size={14} aria-hidden />}
        >
          {newer.first ? "Newest" : "Newer"}
        </Button>
      )}
      {next && (
        <Button
          component={Link}
          to={next.to}
          state={next.state}
          size="xs"
          variant="default"
          rightSection={<IconChevronRight size={14} aria-hidden />}
        >
          Older
        </Button>
      )}
    </nav>
  );
}
