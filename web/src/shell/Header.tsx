// The bar at the top: brand, search, colour scheme, account.
import { ActionIcon, Burger, Kbd, Tooltip } from "@mantine/core";
import { spotlight } from "@mantine/spotlight";
import { IconKeyboard, IconSearch } from "@tabler/icons-react";
import { Link } from "react-router";
import { to } from "@/app/to";
import { AccountMenu } from "./AccountMenu";
import { Brand } from "./Brand";
import { SchemeMenu } from "./SchemeMenu";
import classes from "./shell.module.css";

interface HeaderProps {
  menuOpen: boolean;
  toggleMenu: () => void;
  openHelp: () => void;
}

export function Header({ menuOpen, toggleMenu, openHelp }: HeaderProps) {
  const mac = /mac|iphone|ipad/i.test(navigator.userAgent);
  return (
    <div className={classes.bar}>
      <Burger
        opened={menuOpen}
        onClick={toggleMenu}
        hiddenFrom="sm"
        size="sm"
        aria-label="Pages"
        aria-expanded={menuOpen}
      />
      <Link to={to.home} className={classes.brand}>
        <Brand />
        Sluice
      </Link>
      <button
        type="button"
        className={classes.search}
        onClick={spotlight.open}
        aria-label={`Search ${mac ? "⌘" : "Ctrl"} K`}
      >
        <IconSearch size={16} stroke={1.7} aria-hidden />
        <span>Search</span> <Kbd size="xs">{mac ? "⌘" : "Ctrl"} K</Kbd>
      </button>
      <Tooltip label="Keyboard shortcuts">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          visibleFrom="sm"
          onClick={openHelp}
          aria-label="Keyboard shortcuts"
        >
          <IconKeyboard size={18} stroke={1.7} />
        </ActionIcon>
      </Tooltip>
      <SchemeMenu />
      <AccountMenu />
    </div>
  );
}
