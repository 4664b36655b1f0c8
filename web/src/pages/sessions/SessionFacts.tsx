// What there is to know of a session at one look.
import { Skeleton, Text, UnstyledButton } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import type { Answer } from "@/api/query";
import { to } from "@/app/to";
import { HostileText } from "@/ui/HostileText";
import { count } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { duration, MICROS_PER_SECOND } from "@/ui/time";
import { useSecond } from "@/ui/useSecond";
import { PolicyNames } from "./PolicyNames";
import type { SessionOpened } from "./record/events";
import classes from "./sessions.module.css";

interface SessionFactsProps {
  session: Answer<"/v1/sessions/{id}"> | undefined;
  /** How it began, once its record is read. */
  opened: SessionOpened | null;
}

export function SessionFacts({ session, opened }: SessionFactsProps) {
  const { admin } = useMe();
  const [all, setAll] = useState(false);
  if (!session) return <Skeleton height={88} mb="md" />;
  const where = [session.account, session.database].filter(Boolean).join(" @ ");
  return (
    <div className={`${classes.frame} ${all ? classes.all : ""}`}>
      <dl className={classes.facts} aria-label="Session">
        <Fact name="Who">
          <PrincipalName
            id={session.principal}
            owner={opened?.owner}
            href={admin ? to.person(session.principal) : undefined}
          />
        </Fact>
        <Fact name="Connection">
          <Link to={to.connection(session.connection)}>
            <HostileText text={session.connection} />
          </Link>
          {session.protocol && ` (${session.protocol})`}
        </Fact>
        <Fact name="Reason">{opened?.reason && <HostileText text={opened.reason} />}</Fact>
        <Fact name="Started">
          <Timestamp at={session.started} exactly />
        </Fact>
        <Fact name={session.live ? "Running for" : "Lasted"}>
          {session.live ? (
            <Running since={session.started} />
          ) : (
            session.ended && duration(Math.max(session.ended - session.started, 0))
          )}
        </Fact>
        <Fact name={session.database ? "Account and database" : "Account"}>
          {where && <HostileText text={where} />}
        </Fact>
        <Fact name="From">
          <HostileText text={session.client_address} />
        </Fact>
        <Fact name="Client">
          {session.application && <HostileText text={session.application} />}
        </Fact>
        <Fact name="Groups">
          {opened && opened.groups.length > 0 && <HostileText text={opened.groups.join(", ")} />}
        </Fact>
        <Fact name="Workload">
          {opened?.workload && (
            <HostileText text={`${opened.workload.subject} of ${opened.workload.issuer}`} />
          )}
        </Fact>
        <Fact name="Token">{opened?.token && <HostileText mono text={opened.token} />}</Fact>
        <Fact name="Let in by">
          {opened && opened.policies.length > 0 && <PolicyNames names={opened.policies} />}
        </Fact>
        <Fact name="Operations">{session.counts && <Counts counts={session.counts} />}</Fact>
      </dl>
      <UnstyledButton
        className={classes.toggle}
        aria-expanded={all}
        onClick={() => setAll(!all)}
        hiddenFrom="sm"
      >
        {all ? "Less about this session" : "More about this session"}
      </UnstyledButton>
    </div>
  );
}

function Running({ since }: { since: number }) {
  // To the whole second: less would only flicker.
  const seconds = Math.max(Math.round((useSecond() * 1000 - since) / MICROS_PER_SECOND), 0);
  return duration(seconds * MICROS_PER_SECOND);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** `123, 1 denied, 7 values masked`. */
export function Counts({ counts }: { counts: NonNullable<Answer<"/v1/sessions/{id}">["counts"]> }) {
  const more = [
    [counts.denied, "denied"],
    [counts.held, "held"],
    [counts.denied_by_people, "denied by people"],
    [counts.failed, "failed"],
    [counts.masked_values, "values masked"],
  ] as const;
  return (
    <>
      {count(counts.operations)}
      {more.map(([n, what]) =>
        n > 0 ? (
          <Text span size="sm" key={what}>
            , {count(n)} {what}
          </Text>
        ) : null,
      )}
    </>
  );
}
