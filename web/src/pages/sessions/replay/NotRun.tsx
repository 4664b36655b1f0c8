// How a held operation ended that never ran: who denied it and why, or that nobody decided.
import { Alert, Text } from "@mantine/core";
import { IconHandStop } from "@tabler/icons-react";
import { HostileText } from "@/ui/HostileText";
import { nameOf } from "@/ui/principal";
import type { Hold } from "../record/record";

interface NotRunProps {
  hold: Hold;
  wait: string;
}

export function NotRun({ hold, wait }: NotRunProps) {
  const { how, by = [], reason } = hold.ended ?? {};
  const who = how === "denied" && by.length > 0 ? ` by ${by.map(nameOf).join(", ")}` : "";
  const why = reason ? `: ${reason}` : "";
  return (
    <Alert color="gray" icon={<IconHandStop aria-hidden />} title="It did not run">
      <Text size="sm">
        <HostileText text={`${wait}${who}${why}`} />
      </Text>
    </Alert>
  );
}
