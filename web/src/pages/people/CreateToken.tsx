// Creates a token: for oneself, for an agent of one's own, and as an administrator for anybody.
import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useSend } from "@/api/query";
import { Secret } from "./Secret";
import { TokenForm } from "./TokenForm";

interface CreateTokenProps {
  /** For this one; where absent, the form asks. */
  principal?: string;
  /** Make an agent of one's own with it. */
  newAgent?: boolean;
}

export function CreateToken({ principal, newAgent = false }: CreateTokenProps) {
  const [opened, dialog] = useDisclosure(false);
  const send = useSend("post", "/v1/tokens", { quiet: true });
  const title = newAgent ? "Make an agent" : "Create a token";
  const close = () => {
    dialog.close();
    send.reset();
  };
  return (
    <>
      <Button
        variant={newAgent ? "default" : "filled"}
        leftSection={<IconPlus size={15} aria-hidden />}
        onClick={dialog.open}
      >
        {newAgent ? "Make an agent" : "Create token"}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={title}
        // A secret that is shown once must not go with a stray click.
        closeOnClickOutside={!send.data}
        closeOnEscape={!send.data}
        withCloseButton={!send.data}
      >
        {send.data ? (
          <Secret created={send.data} onDone={close} />
        ) : (
          <TokenForm
            principal={principal}
            newAgent={newAgent}
            pending={send.isPending}
            error={send.error}
            onCancel={close}
            onSubmit={(body) => send.mutate({ body })}
          />
        )}
      </Modal>
    </>
  );
}
