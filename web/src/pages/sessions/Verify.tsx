// Whether the record of one session is as it was written, on demand.
import { Alert, Button, List, Text } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { asApiError, client } from "@/api/client";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { ErrorState } from "@/ui/states";
import classes from "./sessions.module.css";

/** Asked for by hand alone: live events must not start it again and again. */
export function useVerify(id: string) {
  return useMutation({
    meta: { quiet: true },
    mutationFn: async () => {
      try {
        const { data } = await client.GET("/v1/sessions/{id}/verify", { params: { path: { id } } });
        return data;
      } catch (error) {
        throw asApiError(error);
      }
    },
  });
}

type Verify = ReturnType<typeof useVerify>;

export function VerifyButton({ verify }: { verify: Verify }) {
  return (
    <Button
      variant="default"
      leftSection={<IconShieldCheck size={14} aria-hidden />}
      loading={verify.isPending}
      onClick={() => verify.mutate()}
    >
      Verify
    </Button>
  );
}

export function VerifyResult({ verify: { data, error, mutate } }: { verify: Verify }) {
  if (error) {
    return (
      <div className={classes.result}>
        <ErrorState error={error} retry={() => mutate()} />
      </div>
    );
  }
  if (!data) return null;
  const end = data.closed ? "Its end is on record." : "Its end is not on record yet.";
  return (
    <Alert
      className={classes.result}
      role="status"
      color={data.ok ? "green" : "red"}
      icon={data.ok ? <IconShieldCheck /> : <IconShieldX />}
      title={data.ok ? "The record is as it was written" : "The record was changed"}
    >
      <Text size="sm">
        {counted(data.events, "event")} checked. {end}
      </Text>
      <List size="sm">
        {data.problems.map((problem) => (
          <List.Item key={problem}>
            <HostileText text={problem} />
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
