// A part of a page in a frame: a heading, something beside it, and the content.
import { Title } from "@mantine/core";
import { type ReactNode, useId } from "react";
import classes from "./section.module.css";

interface SectionProps {
  title: string;
  /** Beside the heading: a count, a badge. */
  aside?: ReactNode;
  /** At the right: a link to more, a button. */
  actions?: ReactNode;
  /** The content brings its own frame (a table): only the heading is added. */
  plain?: boolean;
  children: ReactNode;
}

export function Section({ title, aside, actions, plain = false, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={plain ? undefined : classes.section}>
      <div className={classes.head}>
        <Title order={2} size="h3" id={id}>
          {title}
        </Title>
        {aside}
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </section>
  );
}
