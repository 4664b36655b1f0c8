// The side navigation. Approvals carry the number that the caller may decide.
import { Badge, NavLink } from "@mantine/core";
import { Link, useMatch } from "react-router";
import { useMe } from "@/api/me";
import { useWaiting } from "@/api/waiting";
import { to } from "@/app/to";
import { type NavItem, navItems } from "./navigation";
import classes from "./shell.module.css";

export function Nav({ onChoose }: { onChoose?: () => void }) {
  const { admin } = useMe();
  const waiting = useWaiting();
  return navItems(admin).map((item) => (
    <Item
      key={item.path}
      item={item}
      count={item.path === to.approvals ? waiting : 0}
      onChoose={onChoose}
    />
  ));
}

interface ItemProps {
  item: NavItem;
  count: number;
  onChoose?: () => void;
}

function Item({ item, count, onChoose }: ItemProps) {
  const active = useMatch({ path: item.path, end: item.path === to.home }) !== null;
  return (
    <NavLink
      component={Link}
      to={item.path}
      label={item.label}
      active={active}
      aria-current={active ? "page" : undefined}
      onClick={onChoose}
      className={classes.link}
      leftSection={<item.icon size={18} stroke={1.7} aria-hidden />}
      rightSection={
        count > 0 && (
          <Badge variant="filled" size="sm" aria-label={`${count} for you to decide`}>
            {count}
          </Badge>
        )
      }
    />
  );
}
