// Links between the parts of a page, in the look of tabs.
import { Badge } from "@mantine/core";
import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router";
import classes from "./subnav.module.css";

export interface SubPage {
  label: string;
  href: string;
  /** Shown beside the label when there is something to count. */
  count?: number;
  /** Only this very path, not what is below it. */
  exact?: boolean;
}

export function SubNav({ label, pages }: { label: string; pages: SubPage[] }) {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is the reason to look where its link is.
  useEffect(() => {
    // On a phone the link of the open page may be out of sight.
    const open = nav.current?.querySelector('[aria-current="page"]');
    open?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [pathname]);
  return (
    <nav ref={nav} aria-label={label} className={classes.nav}>
      {pages.map(({ label: name, href, count = 0, exact }) => (
        <NavLink key={href} to={href} end={exact} className={classes.link ?? ""}>
          {name}
          {count > 0 && (
            <Badge size="sm" color="gray">
              {count}
            </Badge>
          )}
        </NavLink>
      ))}
    </nav>
  );
}
