// For lists in which nothing was found: whom the filter may have meant.
import { Anchor } from "@mantine/core";
import { perhaps, usePrincipals } from "@/api/people";
import type { Filters } from "@/ui/useFilters";
import type { FilterName } from "./useFound";

export function NobodySo({ filters }: { filters: Filters<FilterName> }) {
  const offered = perhaps(filters.values.principal ?? "", usePrincipals());
  if (offered.length === 0) return null;
  return (
    <>
      Did you mean{" "}
      {offered.map((principal, at) => (
        <span key={principal}>
          {at > 0 && " or "}
          <Anchor
            component="button"
            type="button"
            underline="always"
            inherit
            onClick={() => filters.set({ principal })}
          >
            {principal}
          </Anchor>
        </span>
      ))}
      ?{" "}
    </>
  );
}
