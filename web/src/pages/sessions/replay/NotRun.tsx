// How a held operation ended that never ran: who denied it and why, or that nobody decided.
import { Alert, Text } from "@mantine/core";
import { IconHandStop } from "@tabler/icons-react";
import { useApi } from "@/api/query";
import { HostileText } from "@/ui/HostileText";
import type { Hold } from "../record/record";

interface NotRunProps {
  hold: Hold;
  wait: string;
}

export function NotRun({ hold, wait }: NotRunProps) {
  const denied = hold.ended?.how === "denied";
  // Why somebody denied it stands with the request, which not everybody may see and which is not kept for ever.
  const path = { id: hold.approval };
  const { data } = useApi("/v1/approvals/{id}", { path }, { enabled: denied });
  const by = data?.refusal ?? hold.ended?.by.join(", ") ?? "";
  const who = denied && by ? ` by ${by.replace(/^user:/, "")}` : "";
  return (
    <Alert color="gray" icon={<IconHandStop aria-hidden />} title="It did not run">
      <Text size="sm">
        <HostileText text={`${wait}${who}`} />
      </Text>
    </Alert>
  );
}
