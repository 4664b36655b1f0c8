// The dialog in which a request is decided. It follows the request: once somebody else was faster, it says so.
import { Drawer, Modal } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { Approval } from "../approval";
import { scopeOf } from "../approval";
import type { Act } from "../happened";
import { ApproveForm } from "./ApproveForm";
import { ReasonForm } from "./ReasonForm";
import { type Decision, useDecision } from "./useDecision";

const PHONE = "(max-width: 48em)";

interface DecideDialogProps {
  approval: Approval;
  act: Act;
  opened: boolean;
  onClose: () => void;
  /** It is gone from the screen. */
  onClosed: () => void;
}

export function DecideDialog({ approval, act, opened, onClose, onClosed }: DecideDialogProps) {
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const common = {
    opened,
    onClose,
    title: titleOf(act, approval),
    // Where it was opened from may be gone by then.
    returnFocus: false,
    onExitTransitionEnd: onClosed,
  };
  const content = <Form approval={approval} act={act} onClose={onClose} phone={phone} />;
  return phone ? (
    <Drawer {...common} position="bottom" size="94%">
      {content}
    </Drawer>
  ) : (
    <Modal {...common} size="lg">
      {content}
    </Modal>
  );
}

function titleOf(act: Act, approval: Approval): string {
  if (act === "approve") return "Approve this?";
  if (act === "deny") return "Deny this?";
  if (act === "takeBack") return "Take this request back?";
  return scopeOf(approval)?.scope === "window" ? "End this window?" : "End what was approved?";
}

export interface FormProps {
  approval: Approval;
  onClose: () => void;
  /** Large enough for a thumb. */
  phone: boolean;
  decision: Decision;
}

function Form({ act, ...props }: Omit<FormProps, "decision"> & { act: Act }) {
  const decision = useDecision(props.approval, act, props.onClose);
  const now = { ...props, approval: decision.approval, decision };
  return act === "approve" ? <ApproveForm {...now} /> : <ReasonForm {...now} act={act} />;
}
