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
  /** It was done, and the dialog is to close. */
  onDecided: () => void;
  /** It is gone from the screen. */
  onClosed: () => void;
}

export function DecideDialog(props: DecideDialogProps) {
  const { approval, act, opened, onClose, onDecided, onClosed } = props;
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const common = {
    opened,
    onClose,
    title: titleOf(act, approval),
    // Where it was opened from may be gone by then.
    returnFocus: false,
    onExitTransitionEnd: onClosed,
  };
  const content = (
    <Form approval={approval} act={act} onClose={onClose} onDecided={onDecided} phone={phone} />
  );
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

interface OpenedProps extends Omit<FormProps, "decision"> {
  act: Act;
  onDecided: () => void;
}

function Form({ act, onDecided, ...props }: OpenedProps) {
  const decision = useDecision(props.approval, act, onDecided);
  const now = { ...props, approval: decision.approval, decision };
  return act === "approve" ? <ApproveForm {...now} /> : <ReasonForm {...now} act={act} />;
}
