// Asks before something is done, with a reason where the log wants one.
import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { modals } from "@mantine/modals";
import { type ReactNode, useCallback, useState } from "react";
import { keepFocus } from "./focus";

export interface Question {
  title: string;
  /** What will happen. */
  body: ReactNode;
  /** On the button: a verb. */
  confirm: string;
  danger?: boolean;
  reason?: "optional" | "required";
}

export interface Confirmed {
  reason: string | undefined;
}

/** `const confirm = useConfirm(); const yes = await confirm({...}); if (yes) end.mutate({ body: yes });` */
export function useConfirm() {
  return useCallback(
    (question: Question) =>
      new Promise<Confirmed | null>((answer) => {
        const before = document.activeElement;
        const id = modals.open({
          title: question.title,
          onClose: () => answer(null),
          children: (
            <Dialog
              question={question}
              onCancel={() => modals.close(id)}
              onConfirm={(reason) => {
                answer({ reason });
                keepFocus(before);
                modals.close(id);
              }}
            />
          ),
        });
      }),
    [],
  );
}

interface DialogProps {
  question: Question;
  onCancel: () => void;
  onConfirm: (reason: string | undefined) => void;
}

function Dialog({ question, onCancel, onConfirm }: DialogProps) {
  const [reason, setReason] = useState("");
  const missing = question.reason === "required" && reason.trim() === "";
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (!missing) onConfirm(reason.trim() || undefined);
      }}
    >
      <Stack gap="md">
        <Text size="sm" component="div">
          {question.body}
        </Text>
        {question.reason && (
          <Textarea
            label="Reason"
            description="It goes on record."
            required={question.reason === "required"}
            autosize
            minRows={2}
            maxLength={500}
            data-autofocus
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="default"
            onClick={onCancel}
            data-autofocus={question.reason ? undefined : true}
          >
            Cancel
          </Button>
          <Button type="submit" color={question.danger ? "red" : undefined} disabled={missing}>
            {question.confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
