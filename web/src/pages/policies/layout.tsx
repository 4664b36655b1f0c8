// The frame of all policies pages: heading, tabs, and the changes that are not applied yet.
import { Outlet } from "react-router";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { SubNav } from "@/ui/SubNav";
import { DraftBar } from "./draft/DraftBar";

const PAGES = [
  { label: "Policies", href: to.policies, exact: true },
  { label: "Data classes", href: to.dataClasses },
  { label: "Who can do what", href: to.explain },
  { label: "Tests", href: to.policyTests },
  { label: "Dry run", href: to.dryRun },
  { label: "History", href: to.history },
];

export function Component() {
  return (
    <>
      <PageHeader
        title="Policies"
        about="What is allowed, what waits for a human, what is masked. Whatever no policy permits is refused."
      />
      <SubNav label="Policies" pages={PAGES} />
      <DraftBar />
      <Outlet />
    </>
  );
}
