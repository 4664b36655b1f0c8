// For pages that only administrators see.
import { PageHeader } from "@/ui/PageHeader";
import { EmptyState } from "@/ui/states";

export function NotForYou() {
  return (
    <>
      <PageHeader title="For administrators" />
      <EmptyState
        title="Only administrators see this page"
        hint="Administrators are in the group admins. Ask one of them, or somebody who manages groups."
      />
    </>
  );
}
