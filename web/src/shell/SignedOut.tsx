// Says over the page that the sign-in ended. The page stays as it is, so that nothing typed is lost.
import { Button, Group, Modal, Text } from "@mantine/core";
import { useWindowEvent } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { signInHere, useSignedOut } from "@/api/signIn";

// Above dialogs that are open when it happens.
const ABOVE = 400;

export function SignedOut() {
  return useSignedOut() && <Dialog />;
}

function Dialog() {
  const [open, setOpen] = useState(true);
  const queries = useQueryClient();
  // Back from signing in elsewhere: the next answer takes this away.
  useWindowEvent("focus", () => void queries.invalidateQueries());
  return (
    <Modal
      opened={open}
      onClose={() => setOpen(false)}
      title="You were signed out"
      zIndex={ABOVE}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Text size="sm">
        Sign in again to go on. If something is typed here that you want to keep, sign in in another
        tab and come back: this page stays as it is.
      </Text>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button component="a" href="/signin" target="_blank" variant="default">
          In another tab
        </Button>
        <Button onClick={() => location.assign(signInHere())}>Sign in again</Button>
      </Group>
    </Modal>
  );
}
