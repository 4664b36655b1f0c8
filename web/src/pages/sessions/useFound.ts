// The filters of both lists, as they stand in the address and as the API takes them.
import { meant, usePrincipals } from "@/api/people";
import { resolveRange } from "@/ui/range";
import { useCursor } from "@/ui/useCursor";
import { oneOf, useFilters } from "@/ui/useFilters";

const NAMES = [
  "text",
  "principal",
  "connection",
  "verdict",
  "live",
  "resource",
  "action",
  "policy",
  "masked",
  "session",
  "range",
  "from",
  "to",
] as const;

export type FilterName = (typeof NAMES)[number];

/** Those that are only shown when asked for, or when they are in use. */
export const LESS_USED = ["live", "resource", "action", "policy", "masked"] as const;

const VERDICTS = ["allow", "ask", "deny"] as const;

export function useFound() {
  const filters = useFilters(...NAMES);
  const { cursor } = useCursor();
  const known = usePrincipals();
  const { principal } = filters.values;
  const query = queryOf(filters.values, cursor);
  return { filters, query: { ...query, principal: principal && meant(principal, known) } };
}

function queryOf(values: Partial<Record<FilterName, string>>, cursor?: string) {
  const { text, connection, resource, action, policy, session } = values;
  return {
    text,
    connection,
    resource,
    action,
    policy,
    session,
    verdict: oneOf(values.verdict, VERDICTS),
    live: flag(values.live),
    masked: flag(values.masked),
    ...resolveRange(values),
    cursor,
  };
}

function flag(word: string | undefined): boolean | undefined {
  return word === "true" ? true : word === "false" ? false : undefined;
}
