// Sends a notification for trying out, and says how that went.
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconSend } from "@tabler/icons-react";
import { useTestNotifier } from "./api";

export function TestNotifier({ name }: { name: string }) {
  const test = useTestNotifier();
  const sent = () =>
    notifications.show({
      color: "green",
      title: "A test is on its way",
      message: "How it went is in the list of deliveries.",
    });
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<IconSend size={14} aria-hidden />}
      loading={test.isPending}
      aria-label={`Send a test to ${name}`}
      onClick={() => test.mutate(name, { onSuccess: sent })}
    >
      Send a test
    </Button>
  );
}
