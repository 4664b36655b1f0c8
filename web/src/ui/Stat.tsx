// One number with its name, for the top of a page.
import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import classes from "./ui.module.css";

interface StatProps {
  label: string;
  value: ReactNode;
  /** What it is made of, or since when. */
  note?: ReactNode;
  /** Where the whole tile leads. */
  href?: string;
}

export function Stat({ label, value, note, href }: StatProps) {
  return (
    <div className={classes.stat}>
      <Text size="xs" c="dimmed" fw={500}>
        {href ? (
          <Link to={href} className={classes.cover}>
            {label}
          </Link>
        ) : (
          label
        )}
      </Text>
      <div className={classes.statValue}>{value}</div>
      {note && (
        <Text size="xs" c="dimmed" component="div">
          {note}
        </Text>
      )}
    </div>
  );
}
