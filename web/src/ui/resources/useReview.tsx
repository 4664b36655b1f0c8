// Shows what a change would do before it is done, and does it.
import { Alert, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useCallback } from "react";
import { useSend } from "@/api/query";
import { counted } from "../numbers";
import { ErrorState } from "../states";
import { ChangeList } from "./ChangeList";
import { CheckLine } from "./CheckLine";
import { DirectoryNote } from "./DirectoryNote";
import classes from "./review.module.css";
import { type Change, type Sent, useCheck } from "./useCheck";

interface Question {
  title: string;
  sent: Sent;
}

/** `const review = useReview(); if (await review({ title, sent })) done();` True once it is applied. */
export function useReview() {
  return useCallback(
    (question: Question) =>
      new Promise<boolean>((answer) => {
        const id = modals.open({
          title: question.title,
          size: 860,
          onClose: () => answer(false),
          children: (
            <Review
              sent={question.sent}
              onCancel={() => modals.close(id)}
              onApplied={(changes) => {
                answer(true);
                modals.close(id);
                notifications.show({
                  color: "green",
                  title: "Applied",
                  message: `${counted(changes.length, "resource")} changed. It holds for live sessions as well.`,
                });
              }}
            />
          ),
        });
      }),
    [],
  );
}

interface ReviewProps {
  sent: Sent;
  onCancel: () => void;
  onApplied: (changes: Change[]) => void;
}

function Review({ sent, onCancel, onApplied }: ReviewProps) {
  const check = useCheck(sent);
  const apply = useSend("post", "/v1/resources/apply", { also: ["principals"], quiet: true });
  const ready = check.state === "good" && check.changes.length > 0;
  const deletes = check.changes.some((c) => c.change === "deleted");
  return (
    <Stack gap="md">
      <DirectoryNote />
      {check.state === "old" && <Skeleton height={120} aria-label="Comparing" />}
      {check.state === "failed" && <ErrorState error={check.error} />}
      {check.state === "wrong" && (
        <>
          <Text size="sm">Nothing can be applied until this is put right.</Text>
          <CheckLine check={check} />
        </>
      )}
      {check.state === "good" && check.changes.length === 0 && (
        <Alert color="gray" title="Nothing would change">
          This is what is in force already.
        </Alert>
      )}
      <ChangeList changes={check.changes} />
      {apply.error && <ErrorState error={apply.error} />}
      <Group justify="flex-end" gap="xs" className={classes.foot}>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button
          color={deletes ? "red" : undefined}
          disabled={!ready}
          loading={apply.isPending}
          onClick={() =>
            apply.mutate({ body: sent }, { onSuccess: (done) => onApplied(done.changes) })
          }
        >
          {deletes ? "Apply and delete" : "Apply"}
        </Button>
      </Group>
    </Stack>
  );
}
