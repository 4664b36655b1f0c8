// How queries behave: what is worth trying again, and how a failed change is told.
import { notifications } from "@mantine/notifications";
import { MutationCache, QueryClient } from "@tanstack/react-query";
import { asApiError } from "@/api/client";

// Live events refresh what is shown; this only bounds how old an unattended page gets.
const STALE_AFTER_MS = 30_000;
const MAX_RETRIES = 2;

declare module "@tanstack/react-query" {
  interface Register {
    mutationMeta: {
      /** The caller shows the error itself. */
      quiet?: boolean;
    };
  }
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_AFTER_MS,
      retry: (failures, error) => asApiError(error).mayPass && failures < MAX_RETRIES,
    },
    // A browser that is offline would keep what was pressed and send it later, when nobody thinks of it any more.
    mutations: { networkMode: "always" },
  },
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      if (mutation.meta?.quiet) return;
      const { message, hint } = asApiError(error);
      notifications.show({ color: "red", title: message, message: hint, autoClose: 10_000 });
    },
  }),
});
