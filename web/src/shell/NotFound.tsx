// For addresses that lead nowhere.
import { Button } from "@mantine/core";
import { Link } from "react-router";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { EmptyState } from "@/ui/states";

export function NotFound() {
  return (
    <>
      <PageHeader title="Not found" />
      <EmptyState
        title="There is no such page"
        hint="The address may be mistyped, or from another version of the console."
        action={
          <Button component={Link} to={to.home} variant="default">
            Go home
          </Button>
        }
      />
    </>
  );
}
