// The frame of all settings pages.
import { Outlet } from "react-router";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { SubNav } from "@/ui/SubNav";

const PAGES = [
  { label: "Gateway", href: to.settings, exact: true },
  { label: "Identity providers", href: to.identityProviders },
  { label: "Notifiers", href: to.notifiers },
];

export function Component() {
  return (
    <>
      <PageHeader
        title="Settings"
        about="What the gateway was told at start, who vouches for people, and who is told of what."
      />
      <SubNav label="Settings" pages={PAGES} />
      <Outlet />
    </>
  );
}
