// One approval: everything that somebody needs to decide it, and how it was decided.
import { Alert, Skeleton } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { Link, useParams } from "react-router";
import { useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { type Approval, timeLeft, whyNot } from "./approval";
import classes from "./approvals.module.css";
import { DecideButtons, EndButton, TakeBackButton } from "./Buttons";
import { About, Agreement, WhatIsAsked } from "./Parts";
import { Sentence } from "./Recap";
import { StateBadge } from "./StateBadge";
import { useWaiting } from "./useApprovals";
import { useSecond } from "./useSecond";

export function Component() {
  const { id = "" } = useParams();
  const approval = useApi("/v1/approvals/{id}", { path: { id } });
  const waiting = useWaiting();
  if (approval.data) return <Shown approval={approval.data} waiting={waiting} />;
  return (
    <>
      <PageHeader title={`Approval ${id}`} waiting={waiting} />
      {approval.error?.status === 404 ? (
        <EmptyState
          title="There is no such request for you"
          hint="It may be too old, the id may be mistyped, or it is neither yours nor one that you may decide."
          action={<Link to={to.approvals}>All approvals</Link>}
        />
      ) : approval.error ? (
        <ErrorState error={approval.error} retry={() => void approval.refetch()} />
      ) : (
        <Skeleton height={240} />
      )}
    </>
  );
}

function Shown({ approval, waiting }: { approval: Approval; waiting: number }) {
  const now = useSecond();
  const pending = approval.state === "pending";
  return (
    <>
      <PageHeader
        title={`Approval ${approval.id}`}
        waiting={waiting}
        aside={
          <>
            <StateBadge approval={approval} nowMs={now} />
            {pending && (
              <span className={classes.left} role="timer" aria-label="Time left">
                {timeLeft(approval.expires, now)} left
              </span>
            )}
          </>
        }
        about={<Sentence approval={approval} />}
        actions={
          <>
            <TakeBackButton approval={approval} size="sm" />
            <EndButton approval={approval} nowMs={now} size="sm" />
            {approval.may_decide && (
              <div className={classes.wide}>
                <DecideButtons approval={approval} />
              </div>
            )}
          </>
        }
      />
      <WhyNot approval={approval} />
      <div className={classes.columns}>
        <div className={classes.stack}>
          <WhatIsAsked approval={approval} />
          <Section title="Who must agree">
            <Agreement approval={approval} />
          </Section>
        </div>
        <Section title="About">
          <About approval={approval} nowMs={now} />
        </Section>
      </div>
      {approval.may_decide && (
        <section className={classes.bar} aria-label="Decide">
          <DecideButtons approval={approval} large />
        </section>
      )}
    </>
  );
}

function WhyNot({ approval }: { approval: Approval }) {
  const why = whyNot(approval, useMe());
  return why ? (
    <Alert
      color="blue"
      mb="md"
      title="Not for you to decide"
      icon={<IconInfoCircle aria-hidden />}
      role="note"
    >
      {why}
    </Alert>
  ) : null;
}
