// What waits for the caller: enough of each request to decide it without opening it.

import { Anchor, Skeleton, Text, Title } from "@mantine/core";
import { Link } from "react-router";
import { forMe } from "@/api/waiting";
import { to } from "@/app/to";
import { EmptyState, ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { useNow } from "@/ui/useNow";
import { type Approval, decidable, whoMustAgree } from "./approval";
import classes from "./approvals.module.css";
import { DecideButtons, spoken } from "./Buttons";
import { Asked, Sentence } from "./Recap";
import type { ApprovalsQuery } from "./useApprovals";
import { type Group, inGroups, inNumbers } from "./waits";

const ROWS = 8;

export function Inbox({ query }: { query: ApprovalsQuery }) {
  const waiting = forMe(query.data?.approvals);
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
  const groups = inGroups(waiting);
  return (
    <div className={classes.groups}>
      <Text size="sm" role="status">
        {inNumbers(groups)}
      </Text>
      {groups.map((group) => (
        <Requests key={group.title} group={group} alone={groups.length === 1} />
      ))}
    </div>
  );
}

function Requests({ group: { title, approvals }, alone }: { group: Group; alone: boolean }) {
  return (
    <section>
      {!alone && (
        <Title order={2} size="h3" className={classes.groupTitle}>
          {title}
        </Title>
      )}
      <ul className={classes.inbox} aria-label={title}>
        {approvals.map((approval) => (
          <Item key={approval.id} approval={approval} />
        ))}
      </ul>
    </section>
  );
}

function Item({ approval }: { approval: Approval }) {
  return (
    <li
      className={classes.item}
      data-request={approval.id}
      tabIndex={-1}
      aria-label={`Request ${spoken(approval)}`}
    >
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
      <Asked approval={approval} rows={ROWS} label={`What ${approval.id} would run`} />
      <div className={classes.itemFoot}>
        <span className={classes.itemFacts}>
          needs {whoMustAgree(approval)}
          {approval.given.length > 0 && ` (${approval.given.length} of ${approval.people} agreed)`};{" "}
          <Left approval={approval} />
        </span>
        <div className={classes.buttons}>
          <DecideButtons approval={approval} />
        </div>
      </div>
    </li>
  );
}

function Left({ approval }: { approval: Approval }) {
  return decidable(approval, useNow());
}
