// Stands where this gateway has no notifiers.
import { EmptyState } from "@/ui/states";

export function NotThere() {
  return (
    <EmptyState
      title="Not available"
      hint="This version of the gateway does not send notifications."
    />
  );
}
