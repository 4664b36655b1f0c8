// Sends what was decided, and follows how the request stands meanwhile.
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import type { ApiError, Schemas } from "@/api/client";
import { useMe } from "@/api/me";
import { useApi, useSend } from "@/api/query";
import { useNow } from "@/ui/useNow";
import type { Approval } from "../approval";
import { type Act, canStill, happened } from "../happened";

export interface Decision {
  /** As it stands now. */
  approval: Approval;
  /** Why it cannot be done any more. */
  over: string | null;
  error: ApiError | null;
  /** It was sent, no answer came, and it is known since that nothing came of it. */
  notDone: boolean;
  busy: boolean;
  approve: (scope: Schemas["ApproveScope"]) => void;
  /** Denies, takes back or ends. */
  give: (reason: string | undefined) => void;
}

export function useDecision(asked: Approval, act: Act, onDecided: () => void): Decision {
  const me = useMe();
  const nowMs = useNow();
  const params = { path: { id: asked.id } };
  const followed = useApi("/v1/approvals/{id}", params);
  const [failedAt, setFailedAt] = useState(0);
  const approve = useSend("post", "/v1/approvals/{id}/approve", { quiet: true });
  const deny = useSend("post", "/v1/approvals/{id}/deny", { quiet: true });
  const end = useSend("post", "/v1/approvals/{id}/end", { quiet: true, also: ["sessions"] });
  const send = { approve, deny, takeBack: deny, end }[act];

  // What was read before it was opened may be older than what it was opened with.
  const approval = (followed.isFetchedAfterMount && followed.data) || asked;
  const sent = send.isPending || send.isSuccess;
  const open = canStill(act, approval, nowMs);
  // Whatever is known since then knows what became of it.
  const looked = send.error?.unanswered === true && followed.dataUpdatedAt > failedAt;

  const after = {
    onSuccess: (now: Approval) => {
      notifications.show({ ...told(act, now), message: now.id });
      onDecided();
    },
    onError: () => {
      setFailedAt(Date.now());
      void followed.refetch();
    },
  };
  return {
    approval,
    over: sent || open ? null : happened(approval, me),
    error: looked ? null : send.error,
    notDone: looked && open,
    busy: send.isPending,
    approve: (scope) => approve.mutate({ params, body: { scope } }, after),
    give: (reason) => (act === "end" ? end : deny).mutate({ params, body: { reason } }, after),
  };
}

function told(act: Act, now: Approval): { title: string; color?: string } {
  if (act === "deny") return { title: "Denied" };
  if (act === "takeBack") return { title: "Taken back" };
  if (act === "end") return { title: "Ended" };
  const missing = now.people - now.given.length;
  if (now.state !== "pending") return { title: "Approved", color: "green" };
  const more = missing > 0 ? `${missing} more to go` : "others have to as well";
  return { title: `You agreed; ${more}`, color: "green" };
}
