// The columns that tables of approvals share.
import { Badge, Group } from "@mantine/core";
import type { ReactNode } from "react";
import type { Column } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { type Approval, endOf, givenFor, inShort, isOperation, whoMustAgree } from "./approval";
import classes from "./approvals.module.css";
import { StateBadge } from "./StateBadge";

type Of = Column<Approval>;

export const what: Of = {
  header: "What",
  cell: (a) => (
    <span className={classes.what}>
      <HostileText mono={isOperation(a)} text={inShort(a)} />
    </span>
  ),
};

export const who: Of = {
  header: "Who",
  width: "10rem",
  cell: (a) => <PrincipalName id={a.principal} owner={a.owner} />,
};

export const where: Of = {
  header: "Where",
  width: "8.5rem",
  cell: (a) => (
    <>
      {a.connection}
      {a.account && <span className={classes.dim}> as {a.account}</span>}
    </>
  ),
};

export const needs: Of = {
  header: "Needs",
  width: "13rem",
  hideBelow: "lg",
  cell: (a) => (
    <>
      {whoMustAgree(a)}
      {a.given.length > 0 && (
        <span className={classes.dim}>
          {" "}
          ({a.given.length} of {a.people} agreed)
        </span>
      )}
    </>
  ),
};

export const asked: Of = {
  header: "Asked",
  width: "7.5rem",
  cell: (a) => (
    <>
      <Timestamp at={a.created} />
      <Client waiting={a.waiting} />
    </>
  ),
};

/** Whether whoever asked still waits; nothing where nobody is to wait. */
function Client({ waiting }: Pick<Approval, "waiting">) {
  if (typeof waiting !== "number") return null;
  return <div className={classes.dim}>{waiting > 0 ? "client waits" : "client gone"}</div>;
}

export const ends: Of = {
  header: "Ends",
  width: "8rem",
  cell: (a) => {
    const end = endOf(a);
    return end === null ? "with the session" : <Timestamp at={end} />;
  },
};

export const state = (nowMs: number): Of => ({
  header: "State",
  width: "8.5rem",
  cell: (a) => <StateBadge approval={a} nowMs={nowMs} />,
});

/** Who decided, and for what. */
export const outcome: Of = {
  header: "Decided by",
  width: "14rem",
  cell: (a) => {
    if (a.refusal) return <HostileText text={a.refusal} />;
    if (a.given.length === 0) return <span className={classes.dim}>nobody</span>;
    const scope = givenFor(a);
    return (
      <Group gap={6}>
        {a.given.map((g) => (
          <PrincipalName key={g.by} id={g.by} />
        ))}
        {scope && <Badge color="gray">for {scope}</Badge>}
      </Group>
    );
  },
};

export const act = (cell: (approval: Approval) => ReactNode): Of => ({
  header: "Act",
  align: "right",
  width: "7rem",
  cell,
});
