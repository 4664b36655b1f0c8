// The heading of a page: sets the title of the document and takes the focus after a navigation.
import { Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import { useWaiting } from "@/api/waiting";
import classes from "./ui.module.css";
import { visible } from "./visible";

interface PageHeaderProps {
  title: string;
  /** One line on what this page is for. */
  about?: ReactNode;
  /** Beside the title: badges. */
  aside?: ReactNode;
  /** Buttons at the right. */
  actions?: ReactNode;
}

export function PageHeader({ title, about, aside, actions }: PageHeaderProps) {
  const waiting = useWaiting();
  const shown = visible(title);
  useDocumentTitle(`${waiting > 0 ? `(${waiting}) ` : ""}${shown} · Sluice`);
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname, key } = useLocation();
  // The first page of a visit leaves the focus where browsers put it.
  const arrived = useRef(key !== "default");
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new path is the reason to run, a new filter is not.
  useEffect(() => {
    if (arrived.current) heading.current?.focus({ preventScroll: true });
    arrived.current = true;
  }, [pathname]);
  return (
    <header className={classes.pageHeader}>
      <div>
        <Group gap="xs">
          <Title order={1} ref={heading} tabIndex={-1}>
            {shown}
          </Title>
          {aside}
        </Group>
        {about && (
          <Text c="dimmed" size="sm" mt={2} component="div">
            {about}
          </Text>
        )}
      </div>
      {actions && <Group gap="xs">{actions}</Group>}
    </header>
  );
}
