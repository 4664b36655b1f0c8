// The part of the API about notifiers. It is not in the gateway's description yet, so its types stand here.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { asApiError, client } from "@/api/client";

export interface NotifierInfo {
  name: string;
  kind: string;
  events: string[];
  /** Deliveries that wait, and those that were given up. */
  pending: number;
  dead: number;
  last_sent?: number | null;
  last_error?: string | null;
}

export type DeliveryState = "pending" | "sent" | "dead";

export interface Delivery {
  id: string;
  notifier: string;
  event: string;
  approval?: string | null;
  state: DeliveryState;
  tries: number;
  next_try?: number | null;
  last_error?: string | null;
  created: number;
}

export interface DeliveryQuery {
  notifier?: string;
  state?: DeliveryState;
  cursor?: string;
}

type Loose = (
  method: "get" | "post",
  path: string,
  init: { params?: unknown; signal?: AbortSignal },
) => Promise<{ data?: unknown }>;

const TOPIC = "health";

async function ask<T>(...args: Parameters<Loose>): Promise<T> {
  try {
    return ((await (client.request as unknown as Loose)(...args)).data ?? null) as T;
  } catch (error) {
    throw asApiError(error);
  }
}

export function useNotifiers() {
  return useQuery({
    queryKey: [TOPIC, "/v1/notifiers"],
    queryFn: ({ signal }) => ask<{ notifiers: NotifierInfo[] }>("get", "/v1/notifiers", { signal }),
  });
}

export function useDeliveries(query: DeliveryQuery) {
  return useQuery({
    queryKey: [TOPIC, "/v1/deliveries", query],
    queryFn: ({ signal }) =>
      ask<{ deliveries: Delivery[]; next?: string | null }>("get", "/v1/deliveries", {
        params: { query },
        signal,
      }),
    placeholderData: (old) => old,
  });
}

function useAct(path: string, name: "id" | "name") {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (value: string) => ask("post", path, { params: { path: { [name]: value } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [TOPIC] }),
  });
}

export const useRetry = () => useAct("/v1/deliveries/{id}/retry", "id");
export const useTestNotifier = () => useAct("/v1/notifiers/{name}/test", "name");

/** A gateway that knows nothing of it. */
export function isNotThere(error: unknown): boolean {
  return error !== null && error !== undefined && asApiError(error).status === 404;
}
