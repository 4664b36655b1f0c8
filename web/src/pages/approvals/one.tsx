// One approval: everything that somebody needs to decide it, and how it was decided.
import { Alert, Skeleton } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { useSecond } from "@/ui/useSecond";
import { type Approval, decidable, whyNot } from "./approval";
import classes from "./approvals.module.css";
import { DecideButtons, EndButton, TakeBackButton } from "./Buttons";
import { Deciding } from "./decide/Deciding";
import { MailLink, useMailLink } from "./MailLink";
import { About, Agreement, WhatIsAsked } from "./Parts";
import { Sentence } from "./Recap";
import { StateBadge } from "./StateBadge";
import { WhoWaits } from "./WhoWaits";

export function Component() {
  const { id = "" } = useParams();
  // Another approval begins with nothing of this one.
  return (
    <Deciding key={id}>
      <One id={id} />
    </Deciding>
  );
}

function One({ id }: { id: string }) {
  const approval = useApi("/v1/approvals/{id}", { path: { id } });
  const unopened = useMailLink();
  const mail = <MailLink error={unopened} />;
  if (approval.data) return <Shown approval={approval.data} mail={mail} />;
  return (
    <>
      <PageHeader title={`Approval ${id}`} />
      {mail}
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

interface ShownProps {
  approval: Approval;
  /** What is to be said of the link from mail that led here. */
  mail: ReactNode;
}

function Shown({ approval, mail }: ShownProps) {
  const now = useSecond();
  const pending = approval.state === "pending";
  return (
    <>
      <PageHeader
        title={`Approval ${approval.id}`}
        aside={
          <>
            <StateBadge approval={approval} nowMs={now} />
            {pending && (
              <span className={classes.left} role="timer" aria-label="Time left">
                {decidable(approval, now)}
              </span>
            )}
          </>
        }
        about={
          <>
            <Sentence approval={approval} />
            <WhoWaits approval={approval} />
          </>
        }
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
      {mail}
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
