// What questions and tests are asked about: principals and connections, for completing names.
import { usePrincipals } from "@/api/people";
import { useApi } from "@/api/query";

export function usePeople() {
  const principals = usePrincipals();
  const connections = useApi("/v1/connections").data?.connections ?? [];
  return { principals, connections };
}

export const EXAMPLES: Record<string, string> = {
  postgres: "DELETE FROM orders WHERE id = 1;",
  http: "GET /people?month=May",
};

/** How operations of a protocol are coloured. */
export const languageOf = (protocol: string | undefined) => (protocol === "http" ? "http" : "sql");
