// The parts of an approval's page.
import { Alert, Box, Group, Text } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { CodeBlock } from "@/ui/CodeBlock";
import { Fact, Facts } from "@/ui/Facts";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import {
  type Approval,
  endOf,
  givenFor,
  isOperation,
  languageOf,
  scopeOf,
  seconds,
  timeLeft,
  whoMustAgree,
} from "./approval";
import classes from "./approvals.module.css";
import { Blast } from "./Blast";
import { useEnvironment } from "./useEnvironment";
import { Values } from "./Values";
import { Why } from "./Why";

export function WhatIsAsked({ approval }: { approval: Approval }) {
  if (approval.window_seconds) {
    return (
      <Section title="What is asked for">
        <Text size="sm">
          A window of <strong>{seconds(approval.window_seconds)}</strong> on{" "}
          <strong>{approval.connection}</strong>, in which everything that the policy asks for may
          be done. The clock starts when the last approver agrees, and its end never moves.
        </Text>
        <Reason approval={approval} />
      </Section>
    );
  }
  if (approval.connect) {
    return (
      <Section title="What is asked for">
        <Text size="sm">
          A login asks to be let in. An approval without a window is for one session: the one that
          waits or, when its client has gone, the next one.
        </Text>
        <Reason approval={approval} />
      </Section>
    );
  }
  return (
    <Section title={approval.protocol === "http" ? "The exact request" : "The exact operation"}>
      <CodeBlock code={approval.text} language={languageOf(approval)} label="Operation" rows={60} />
      {approval.parameters.length > 0 && (
        <Box mt="sm">
          <Values approval={approval} />
        </Box>
      )}
      <Text size="xs" c="dimmed" mt={8}>
        Values of a data class are masked. What runs has the real ones.
      </Text>
      <Box mt="sm">
        <Blast approval={approval} />
      </Box>
      <Reason approval={approval} />
    </Section>
  );
}

function Reason({ approval: { reason } }: { approval: Approval }) {
  return (
    <Text size="sm" mt="sm" component="div">
      <span className={classes.dim}>Reason:</span>{" "}
      {reason ? <HostileText text={reason} /> : <span className={classes.dim}>none was given</span>}
    </Text>
  );
}

export function Agreement({ approval }: { approval: Approval }) {
  const { given, people, refusal } = approval;
  return (
    <div className={classes.stack}>
      <Text size="sm">
        It needs <strong>{whoMustAgree(approval)}</strong>.{" "}
        <span className={classes.dim}>
          {given.length} of {people} agreed.
        </span>
      </Text>
      {given.length > 0 && (
        <ul className={classes.consents} aria-label="Who agreed">
          {given.map((g) => (
            <li key={g.by}>
              <Group gap={8}>
                <IconCheck size={15} aria-hidden />
                <PrincipalName id={g.by} />
                <Text size="sm" c="dimmed" component="span">
                  for {g.groups.join(", ") || "anybody"}, <Timestamp at={g.at} />
                </Text>
              </Group>
            </li>
          ))}
        </ul>
      )}
      {refusal && (
        <Alert color="red" title="Denied" role="note" py="xs">
          <HostileText text={refusal} />
        </Alert>
      )}
      <Why approval={approval} />
    </div>
  );
}

export function About({ approval, nowMs }: { approval: Approval; nowMs: number }) {
  const { admin } = useMe();
  const environment = useEnvironment(approval.connection);
  const person = (id: string) => (admin ? to.person(id) : undefined);
  const scope = scopeOf(approval);
  const given = givenFor(approval);
  const session = approval.session ?? (scope?.scope === "session" ? scope.session : null);
  const { owner } = approval;
  return (
    <Facts>
      <Fact name="Who">
        <PrincipalName id={approval.principal} href={person(approval.principal)} />
      </Fact>
      <Fact name="Answers for it">
        {owner && <PrincipalName id={owner} href={person(owner)} />}
      </Fact>
      <Fact name="Connection">
        <Link to={to.connection(approval.connection)}>{approval.connection}</Link>
      </Fact>
      <Fact name="Environment">{environment}</Fact>
      <Fact name="Account">{approval.account}</Fact>
      <Fact name="Database">{approval.database}</Fact>
      <Fact name="Protocol">{approval.protocol}</Fact>
      <Fact name="Session">{session && <Link to={to.session(session)}>{session}</Link>}</Fact>
      <Fact name="Asked">
        <Timestamp at={approval.created} exactly />
      </Fact>
      <Fact name="Approved for">{given && words(approval, given)}</Fact>
      <Fact name={approval.state === "pending" ? "Can be decided until" : "Ends"}>
        <End approval={approval} nowMs={nowMs} />
      </Fact>
    </Facts>
  );
}

const words = (approval: Approval, given: string) =>
  isOperation(approval) && given === "one run" && approval.state === "approved"
    ? "one run, not used yet"
    : given;

function End({ approval, nowMs }: { approval: Approval; nowMs: number }) {
  const end = endOf(approval);
  if (end === null) return approval.state === "approved" ? "with its session" : "it is over";
  return (
    <>
      <Timestamp at={end} exactly />
      <br />
      <span className={classes.dim}>{timeLeft(end, nowMs)} left</span>
    </>
  );
}
