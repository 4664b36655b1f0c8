// Whether somebody may do anything at all, and the switch for it.
import { Badge, Switch } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconCircleCheck, IconCircleOff } from "@tabler/icons-react";
import { useSend } from "@/api/query";
import { useConfirm } from "@/ui/useConfirm";
import type { Principal } from "./words";

export function OnOffBadge({ off }: { off: boolean }) {
  const Icon = off ? IconCircleOff : IconCircleCheck;
  return (
    <Badge color={off ? "red" : "green"} leftSection={<Icon size={13} stroke={2} aria-hidden />}>
      {off ? "off" : "on"}
    </Badge>
  );
}

export function OnOffSwitch({ principal: { principal, disabled, source } }: OnOffSwitchProps) {
  const confirm = useConfirm();
  const also = ["sessions", "approvals"] as const;
  const off = useSend("post", "/v1/principals/{id}/disable", { also: [...also] });
  const on = useSend("post", "/v1/principals/{id}/enable", { also: [...also] });
  const params = { path: { id: principal } };

  const change = async () => {
    const yes = await confirm({
      title: disabled ? `Switch ${principal} on?` : `Switch ${principal} off?`,
      body: disabled
        ? "What policies permit can be done again. Sign-ins and requests that ended stay ended."
        : "Live sessions end within a second, also in the middle of a result. Requests, windows and sign-ins end as well. Tokens open nothing while it is off.",
      confirm: disabled ? "Switch on" : "Switch off",
      danger: !disabled,
      reason: "required",
    });
    if (!yes) return;
    if (disabled) on.mutate({ params, body: yes }, { onSuccess: tellIfStillOff });
    else off.mutate({ params, body: yes });
  };
  return (
    <Switch
      checked={!disabled}
      disabled={source === "local" || on.isPending || off.isPending}
      onChange={() => void change()}
      label={disabled ? "Switched off" : "Switched on"}
      description={
        source === "local" ? "The local administrator cannot be switched off." : undefined
      }
    />
  );
}

interface OnOffSwitchProps {
  principal: Principal;
}

function tellIfStillOff(now: Principal) {
  if (!now.disabled) return;
  notifications.show({
    color: "yellow",
    title: "It is still off",
    message: "Its file switches it off, or its identity provider does not stand for it any more.",
  });
}
