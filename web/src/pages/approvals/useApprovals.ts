// The lists of approvals: what is open, and everything that is still known.
import { useApi } from "@/api/query";

/** Waiting or granted now. The same question as the navigation asks, so it is asked once. */
export const useOpen = () => useApi("/v1/approvals");

/** Also what is decided: the newest thousand. */
export const useAll = () => useApi("/v1/approvals", { query: { all: true } });

export type ApprovalsQuery = ReturnType<typeof useOpen>;
