// Denies a request, takes one's own back, or ends what was given; with a reason where somebody else is told.
import { Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { HostileText } from "@/ui/HostileText";
import { type Approval, scopeOf } from "../approval";
import type { Act } from "../happened";
import { Recap } from "../Recap";
import type { FormProps } from "./DecideDialog";
import { Foot } from "./Foot";

export function ReasonForm(props: FormProps & { act: Exclude<Act, "approve"> }) {
  const { approval, onClose, phone, decision, act } = props;
  const [reason, setReason] = useState("");
  const asks = act !== "takeBack";
  const ready = !asks || reason.trim() !== "";
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (ready) decision.give(reason.trim() || undefined);
      }}
    >
      <Stack gap="md">
        <Consequence approval={approval} act={act} />
        {asks && (
          <Textarea
            label="Reason"
            description={
              act === "deny" ? "Who asks is told, and it goes on record." : "It goes on record."
            }
            required
            autosize
            minRows={2}
            maxLength={500}
            data-autofocus
            disabled={decision.over !== null}
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
        )}
        <Foot
          decision={decision}
          verb={verbOf(act, approval)}
          color="red"
          ready={ready}
          focus={!asks}
          phone={phone}
          onClose={onClose}
        />
      </Stack>
    </form>
  );
}

function verbOf(act: Act, approval: Approval): string {
  if (act === "deny") return "Deny";
  if (act === "takeBack") return "Take back";
  return scopeOf(approval)?.scope === "window" ? "End window" : "End it";
}

function Consequence({ approval, act }: { approval: Approval; act: Act }) {
  if (act === "deny") return <Recap approval={approval} />;
  return (
    <Text size="sm" component="div">
      {act === "takeBack" ? (
        "Whatever waits for it stops waiting. You can ask again."
      ) : (
        <>
          <HostileText text={approval.principal} /> has to ask again from then on. Live sessions on{" "}
          {approval.connection} that stand on it feel that within a second.
        </>
      )}
    </Text>
  );
}
