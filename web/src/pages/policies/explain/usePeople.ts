// What questions and tests are asked about: principals and connections, for completing names.
import { useApi } from "@/api/query";

export function usePeople() {
  const principals = useApi("/v1/principals").data?.principals.map((p) => p.principal) ?? [];
  const connections = useApi("/v1/connections").data?.connections ?? [];
  return { principals, connections };
}

export const EXAMPLES: Record<string, string> = {
  postgres: "DELETE FROM orders WHERE id = 1;",
  http: "GET /people?month=May",
};

/** How operations of a protocol are coloured. */
export const languageOf = (protocol: string | undefined) => (protocol === "http" ? "http" : "sql");
