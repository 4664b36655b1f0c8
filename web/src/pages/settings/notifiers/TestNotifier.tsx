// Sends a message for trying out, at once, and says how that went.
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconSend } from "@tabler/icons-react";
import { useSend } from "@/api/query";
import { visible } from "@/ui/visible";

export function TestNotifier({ name }: { name: string }) {
  const test = useSend("post", "/v1/notifiers/{id}/test");
  const id = `test of ${name}`;
  const send = () =>
    test.mutate(
      { params: { path: { id: name } } },
      {
        onSuccess: ({ ok, error }) => {
          // The newest outcome takes the place of the one before.
          notifications.hide(id);
          notifications.show(
            ok
              ? {
                  id,
                  color: "green",
                  title: "The test was taken",
                  message: `${visible(name)} works: the other side took the message.`,
                }
              : {
                  id,
                  color: "red",
                  title: `The test of ${visible(name)} failed`,
                  message: visible(error ?? "The other side did not take the message."),
                  autoClose: false,
                },
          );
        },
      },
    );
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<IconSend size={14} aria-hidden />}
      loading={test.isPending}
      aria-label={`Send a test to ${visible(name)}`}
      onClick={send}
    >
      Send a test
    </Button>
  );
}
