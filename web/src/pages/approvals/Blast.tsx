// How much it would touch, louder the more it is, and what is not counted.
import { Badge } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type Approval, blastRadius, isOperation, mayCascade } from "./approval";
import classes from "./approvals.module.css";

const COLORS = { plain: "gray", warn: "yellow", danger: "red" };

export function Blast({ approval }: { approval: Approval }) {
  const blast = blastRadius(approval);
  // Only databases can say beforehand what something would touch.
  if (!isOperation(approval) || (approval.protocol === "http" && !blast)) return null;
  if (!blast) {
    return (
      <div className={classes.rows}>
        <span className={classes.dim}>
          How many rows it would touch is not known: the target gave no estimate.
        </span>
      </div>
    );
  }
  const warning = blast.tone !== "plain";
  return (
    <div className={classes.rows}>
      <span className={classes.dim}>It would touch</span>
      <Badge
        color={COLORS[blast.tone]}
        size="lg"
        title="the planner's estimate of the rows that are returned or changed"
        leftSection={warning && <IconAlertTriangle size={14} aria-label="Warning:" role="img" />}
      >
        {blast.words}
      </Badge>
      {mayCascade(approval) && (
        <span className={classes.dim}>
          by itself; what cascades and triggers change then is not counted
        </span>
      )}
    </div>
  );
}
