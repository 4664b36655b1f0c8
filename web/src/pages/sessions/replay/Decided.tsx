// What was decided on an operation and why: policies, humans, what it needed, and what would be decided today.
import { Anchor, Button, Group, Text, Title } from "@mantine/core";
import { Fragment, useState } from "react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { Fact, Facts } from "@/ui/Facts";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { duration } from "@/ui/time";
import { PolicyNames } from "../PolicyNames";
import type { Decision, SessionOpened } from "../record/events";
import { policiesOf } from "../record/events";
import type { Hold, Operation } from "../record/record";
import { ExplainNow } from "./ExplainNow";
import { PolicyTexts } from "./PolicyTexts";
import classes from "./replay.module.css";

interface DecidedProps {
  op: Operation;
  opened: SessionOpened | null;
}

export function Decided({ op, opened }: DecidedProps) {
  const me = useMe();
  const [open, setOpen] = useState<"policies" | "today" | null>(null);
  const { decision, hold, estimate, approval } = op;
  if (!decision) return null;
  const policies = policiesOf(decision);
  const mayAsk = opened !== null && (me.admin || me.principal === opened.principal);
  const toggle = (what: "policies" | "today") => setOpen(open === what ? null : what);
  return (
    <section aria-label="Decision">
      <Title order={3} mb={4}>
        Decision
      </Title>
      <Facts>
        <Fact name="Decided">{decision.decision !== "allow" && <Told decision={decision} />}</Fact>
        <Fact name="By policy">{policies.length > 0 && <PolicyNames names={policies} />}</Fact>
        <Fact name="Ran under">{approval && <ApprovalLink id={approval} />}</Fact>
        <Fact name="Waited">{hold && <Waited hold={hold} />}</Fact>
        <Fact name="Estimate">{estimate && estimated(estimate.rows)}</Fact>
        <Fact name="Needed">{op.accesses.length > 0 && <Needed op={op} />}</Fact>
      </Facts>
      <Group gap="xs" mt="sm">
        {me.admin && policies.length > 0 && (
          <Button
            variant="default"
            aria-expanded={open === "policies"}
            onClick={() => toggle("policies")}
          >
            Policy text
          </Button>
        )}
        {mayAsk && op.text !== "" && (
          <Button
            variant="default"
            aria-expanded={open === "today"}
            onClick={() => toggle("today")}
          >
            Explain now
          </Button>
        )}
      </Group>
      {open === "policies" && <PolicyTexts ids={policies} />}
      {open === "today" && opened && <ExplainNow op={op} decision={decision} opened={opened} />}
    </section>
  );
}

/** A decision in words. */
export function Told({ decision }: { decision: Decision }) {
  switch (decision.decision) {
    case "allow":
      return "It may run.";
    case "ask":
      return (
        <>
          It may run once{" "}
          {decision.people > 1 ? `${decision.people} people agree` : "somebody agrees"}
          {decision.group_sets.length > 0 && <>: {sets(decision.group_sets)}</>}
        </>
      );
    case "deny":
      return <HostileText text={decision.message || "No policy permits it."} />;
  }
}

function sets(groups: string[][]): string {
  return groups.map((set) => set.join(" and ")).join(", or ");
}

export function ApprovalLink({ id }: { id: string }) {
  return (
    <Anchor component={Link} to={to.approval(id)} underline="always" inherit>
      {id}
    </Anchor>
  );
}

function Waited({ hold }: { hold: Hold }) {
  const { ended } = hold;
  if (!ended) {
    return (
      <>
        waits for <ApprovalLink id={hold.approval} />
      </>
    );
  }
  return (
    <>
      {duration(Math.max(ended.at - hold.at, 0))}, <ApprovalLink id={hold.approval} />{" "}
      <b>{ended.how}</b>
      {ended.by.length > 0 && " by "}
      {ended.by.map((who, at) => (
        <Fragment key={who}>
          {at > 0 && ", "}
          <PrincipalName id={who} />
        </Fragment>
      ))}
    </>
  );
}

function estimated(rows: number | null): string {
  return rows === null ? "none in time" : `about ${counted(rows, "row")}`;
}

function Needed({ op }: { op: Operation }) {
  return (
    <ul className={classes.list2}>
      {op.accesses.map(([action, resource]) => (
        <li key={`${action} ${resource}`}>
          <HostileText mono text={action} />{" "}
          <Text span c="dimmed" size="sm">
            on
          </Text>{" "}
          <HostileText mono text={resource} />
        </li>
      ))}
    </ul>
  );
}
