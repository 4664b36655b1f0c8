// What waits for the caller: enough of each request to decide it without opening it.
import { Anchor, Skeleton, Text } from "@mantine/core";
import { Link } from "react-router";
import { to } from "@/app/to";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { EmptyState, ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { useNow } from "@/ui/useNow";
import { type Approval, isOperation, languageOf, timeLeft, whoMustAgree } from "./approval";
import classes from "./approvals.module.css";
import { Blast } from "./Blast";
import { DecideButtons } from "./Buttons";
import { Parameters } from "./Parameters";
import { Sentence } from "./Recap";
import type { ApprovalsQuery } from "./useApprovals";
import { WhoWaits } from "./WhoWaits";

export function Inbox({ query }: { query: ApprovalsQuery }) {
  const waiting = query.data?.approvals.filter((a) => a.may_decide && a.state === "pending");
  if (!waiting) {
    return query.error ? (
      <ErrorState error={query.error} retry={() => void query.refetch()} />
    ) : (
      <Skeleton height={140} />
    );
  }
  if (waiting.length === 0) {
    return (
      <EmptyState
        title="Nothing waits for you"
        hint="Requests that you may decide appear here by themselves, as soon as somebody asks."
      />
    );
  }
  return (
    <ul className={classes.inbox} aria-label="Waiting for me">
      {waiting.map((approval) => (
        <Item key={approval.id} approval={approval} />
      ))}
    </ul>
  );
}

function Item({ approval }: { approval: Approval }) {
  return (
    <li className={classes.item}>
      <div className={classes.itemHead}>
        <span>
          <Sentence approval={approval} />
        </span>
        <span className={classes.dim}>
          <Timestamp at={approval.created} /> ·{" "}
          <Anchor
            component={Link}
            to={to.approval(approval.id)}
            aria-label={`Details of ${approval.id}`}
            inherit
            underline="always"
          >
            {approval.id}
          </Anchor>
        </span>
      </div>
      {isOperation(approval) && (
        <CodeBlock
          code={approval.text}
          language={languageOf(approval)}
          label={`What ${approval.id} would run`}
          maxHeight={130}
        />
      )}
      <Parameters values={approval.parameters} />
      {approval.reason && (
        <Text size="sm" component="div">
          <span className={classes.dim}>Reason:</span> <HostileText text={approval.reason} />
        </Text>
      )}
      <WhoWaits approval={approval} />
      <div className={classes.itemFoot}>
        <div className={classes.itemFacts}>
          <Blast approval={approval} />
          <span>
            needs {whoMustAgree(approval)}
            {approval.given.length > 0 &&
              ` (${approval.given.length} of ${approval.people} agreed)`}
          </span>
          <span>
            <Left approval={approval} />
          </span>
        </div>
        <div className={classes.buttons}>
          <DecideButtons approval={approval} />
        </div>
      </div>
    </li>
  );
}

function Left({ approval }: { approval: Approval }) {
  const now = useNow();
  return `${timeLeft(approval.expires, now)} left`;
}
