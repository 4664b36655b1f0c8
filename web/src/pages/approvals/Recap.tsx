// Who asks for what, where and why: repeated wherever somebody is about to decide.
import { Text } from "@mantine/core";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { type Approval, asksFor, isOperation, languageOf } from "./approval";
import classes from "./approvals.module.css";
import { Blast } from "./Blast";
import { useEnvironment } from "./useEnvironment";
import { Values } from "./Values";
import { WhoWaits } from "./WhoWaits";
import { Why } from "./Why";

export function Recap({ approval }: { approval: Approval }) {
  return (
    <div className={classes.recap}>
      <Text size="sm" component="div">
        <Sentence approval={approval} />
      </Text>
      <Asked approval={approval} rows={12} label="What would run" />
    </div>
  );
}

interface AskedProps {
  approval: Approval;
  /** How much of the operation is shown before all of it is asked for. */
  rows: number;
  /** What the operation is called for screen readers. */
  label: string;
}

/** Everything that decides but who asks. */
export function Asked({ approval, rows, label }: AskedProps) {
  return (
    <>
      {isOperation(approval) && (
        <>
          <CodeBlock
            code={approval.text}
            language={languageOf(approval)}
            label={label}
            rows={rows}
          />
          <Values approval={approval} />
          <Blast approval={approval} />
        </>
      )}
      {approval.reason && (
        <Text size="sm" component="div">
          <span className={classes.dim}>Reason:</span> <HostileText text={approval.reason} />
        </Text>
      )}
      <Why approval={approval} />
      <WhoWaits approval={approval} />
    </>
  );
}

/** `ada (for kim) asks to run this operation on shop (prod, account app, database shop)`. */
export function Sentence({ approval }: { approval: Approval }) {
  return (
    <>
      <strong>
        <PrincipalName id={approval.principal} owner={approval.owner} />
      </strong>{" "}
      asks {asksFor(approval)} <strong>{approval.connection}</strong>
      <Place approval={approval} />
    </>
  );
}

function Place({ approval: { connection, account, database } }: { approval: Approval }) {
  const environment = useEnvironment(connection);
  const parts = [account && `account ${account}`, database && `database ${database}`];
  const words = parts.filter(Boolean).join(", ");
  return (
    <>
      {environment && (
        <>
          {" in "}
          <strong>
            <HostileText text={environment} />
          </strong>
        </>
      )}
      {words && <span className={classes.dim}> ({words})</span>}
    </>
  );
}
