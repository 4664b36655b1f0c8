// What can be done to an approval besides agreeing: deny it, take one's own back, end what it gave.
import { Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useSend } from "@/api/query";
import { useConfirm } from "@/ui/useConfirm";
import { type Approval, scopeOf } from "./approval";
import { Recap } from "./Recap";

export function useActs(approval: Approval) {
  const confirm = useConfirm();
  const deny = useSend("post", "/v1/approvals/{id}/deny");
  const end = useSend("post", "/v1/approvals/{id}/end", { also: ["sessions"] });
  const params = { path: { id: approval.id } };
  const told = (title: string) => () => {
    notifications.show({ title, message: approval.id });
  };

  return {
    busy: deny.isPending || end.isPending,
    deny: async () => {
      const body = (
        <>
          <Recap approval={approval} />
          <Text size="sm" c="dimmed" mt="sm">
            Who asks is told the reason.
          </Text>
        </>
      );
      const yes = await confirm({
        title: "Deny this?",
        body,
        confirm: "Deny",
        danger: true,
        reason: "required",
      });
      if (yes) deny.mutate({ params, body: yes }, { onSuccess: told("Denied") });
    },
    takeBack: async () => {
      const yes = await confirm({
        title: "Take this request back?",
        body: "Whatever waits for it stops waiting. You can ask again.",
        confirm: "Take back",
        danger: true,
      });
      if (yes) deny.mutate({ params, body: {} }, { onSuccess: told("Taken back") });
    },
    end: async () => {
      const window = scopeOf(approval)?.scope === "window";
      const yes = await confirm({
        title: window ? "End this window?" : "End what was approved?",
        body: `${approval.principal} has to ask again from then on. Live sessions on ${approval.connection} that stand on it feel that within a second.`,
        confirm: window ? "End window" : "End it",
        danger: true,
        reason: "required",
      });
      if (yes) end.mutate({ params, body: yes }, { onSuccess: told("Ended") });
    },
  };
}
