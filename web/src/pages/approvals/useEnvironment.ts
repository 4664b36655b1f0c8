// The environment of a connection, where the caller may know it.
import { useApi } from "@/api/query";

export function useEnvironment(connection: string): string | undefined {
  const all = useApi("/v1/connections").data?.connections;
  return all?.find((c) => c.name === connection)?.environment ?? undefined;
}
