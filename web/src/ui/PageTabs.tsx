// Tabs of a page. Which one is open lives in the query string as `tab`; only its content is made.
import { Badge, Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import classes from "./section.module.css";

export interface PageTab {
  value: string;
  label: string;
  /** Shown beside the label when there is something to count. */
  count?: number;
  content: () => ReactNode;
}

interface PageTabsProps {
  /** What the tabs are of, for screen readers. */
  label: string;
  /** The first one is open where the address names none. */
  tabs: PageTab[];
}

export function PageTabs({ label, tabs }: PageTabsProps) {
  const [query, setQuery] = useSearchParams();
  const open = tabs.find((t) => t.value === query.get("tab")) ?? tabs[0];
  // Filters and pages of one tab mean nothing to another.
  const choose = (value: string | null) =>
    setQuery(value && value !== tabs[0]?.value ? { tab: value } : {}, { preventScrollReset: true });
  return (
    <Tabs value={open?.value ?? null} onChange={choose} keepMounted={false}>
      <Tabs.List aria-label={label} className={classes.tabs} mb="md">
        {tabs.map(({ value, label: name, count = 0 }) => (
          <Tabs.Tab
            key={value}
            value={value}
            rightSection={
              count > 0 && (
                <Badge size="sm" color="gray">
                  {count}
                </Badge>
              )
            }
          >
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {open && <Tabs.Panel value={open.value}>{open.content()}</Tabs.Panel>}
    </Tabs>
  );
}
