// The overview, kept fresh: each 15 seconds, and soon after something happened.
import { useThrottledCallback } from "@mantine/hooks";
import { useCallback } from "react";
import { useLive } from "@/api/live";
import { useApi } from "@/api/query";

export const REFRESH_MS = 15_000;
// A busy gateway tells of operations all the time; the numbers need not follow each of them.
const AT_MOST_EACH_MS = 3_000;

export function useOverview(seconds: number) {
  const overview = useApi(
    "/v1/overview",
    { query: { seconds } },
    { keep: true, refetchInterval: REFRESH_MS },
  );
  const { refetch } = overview;
  const refresh = useThrottledCallback(() => void refetch(), AT_MOST_EACH_MS);
  const hear = useCallback(() => refresh(), [refresh]);
  useLive("operations", hear);
  useLive("sessions", hear);
  useLive("approvals", hear);
  useLive("log", hear);
  return overview;
}
