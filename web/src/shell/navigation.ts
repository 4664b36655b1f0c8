// The pages of the side navigation: where they are, who sees them, and their shortcut.
import {
  IconBook2,
  IconHome,
  IconPlugConnected,
  IconSettings,
  IconShieldCheck,
  IconTerminal2,
  IconUserCheck,
  IconUsers,
  type TablerIcon,
} from "@tabler/icons-react";
import { to } from "@/app/to";

export interface NavItem {
  label: string;
  path: string;
  icon: TablerIcon;
  /** Pressed after `g`. */
  letter: string;
  admin?: boolean;
}

const ITEMS: NavItem[] = [
  { label: "Home", path: to.home, icon: IconHome, letter: "h" },
  { label: "Connections", path: to.connections, icon: IconPlugConnected, letter: "c" },
  { label: "Approvals", path: to.approvals, icon: IconUserCheck, letter: "a" },
  { label: "Sessions", path: to.sessions, icon: IconTerminal2, letter: "s" },
  { label: "Policies", path: to.policies, icon: IconShieldCheck, letter: "p", admin: true },
  { label: "People", path: to.people, icon: IconUsers, letter: "u", admin: true },
  { label: "Log", path: to.log, icon: IconBook2, letter: "l", admin: true },
  { label: "Settings", path: to.settings, icon: IconSettings, letter: "t", admin: true },
];

export function navItems(admin: boolean): NavItem[] {
  return ITEMS.filter((item) => admin || !item.admin);
}
