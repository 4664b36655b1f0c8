// Who asks for what, and where: repeated wherever somebody is about to decide.
import { Text } from "@mantine/core";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { type Approval, asksFor, isOperation, languageOf } from "./approval";
import classes from "./approvals.module.css";
import { Blast } from "./Blast";
import { Parameters } from "./Parameters";
import { WhoWaits } from "./WhoWaits";

export function Recap({ approval }: { approval: Approval }) {
  return (
    <div className={classes.recap}>
      <Text size="sm" component="div">
        <Sentence approval={approval} />
      </Text>
      {isOperation(approval) && (
        <>
          <CodeBlock
            code={approval.text}
            language={languageOf(approval)}
            label="What would run"
            maxHeight={180}
          />
          <Parameters values={approval.parameters} />
          <Blast approval={approval} />
        </>
      )}
      {approval.reason && (
        <Text size="sm" component="div">
          Reason: <HostileText text={approval.reason} />
        </Text>
      )}
      <WhoWaits approval={approval} />
    </div>
  );
}

/** `ada (for kim) asks to run this operation on shop (app, shop)`. */
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

function Place({ approval: { account, database } }: { approval: Approval }) {
  const parts = [account && `account ${account}`, database && `database ${database}`];
  const words = parts.filter(Boolean).join(", ");
  return words ? <span className={classes.dim}> ({words})</span> : null;
}
