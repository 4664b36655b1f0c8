// The operations page: what was asked in all sessions.

import { IconEyeOff } from "@tabler/icons-react";
import { type Answer, useApi } from "@/api/query";
import { to } from "@/app/to";
import { CodeLine } from "@/ui/CodeLine";
import { type Column, DataTable } from "@/ui/DataTable";
import { Decision } from "@/ui/Decision";
import { HostileText } from "@/ui/HostileText";
import { bytes, counted } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { duration } from "@/ui/time";
import { visible } from "@/ui/visible";
import { Incomplete } from "./Incomplete";
import { ListHeader } from "./ListHeader";
import { NobodySo } from "./NobodySo";
import { PolicyNames } from "./PolicyNames";
import classes from "./sessions.module.css";
import { useFound } from "./useFound";
import { languageOf } from "./words";

type Operation = Answer<"/v1/operations">["operations"][number];

export function Component() {
  const { filters, query } = useFound();
  const found = useApi("/v1/operations", { query }, { keep: true });
  return (
    <>
      <ListHeader filters={filters} />
      <Incomplete found={found.data} last={found.data?.operations.at(-1)?.at} />
      <DataTable
        label="Operations"
        query={found}
        rows={found.data?.operations}
        rowKey={(o) => `${o.session} ${o.op}`}
        rowHref={(o) => to.operation(o.session, o.op)}
        columns={COLUMNS}
        older={found.data?.next}
        empty={
          filters.any
            ? {
                title: found.data?.incomplete ? "Nothing found so far" : "No operation found",
                hint: (
                  <>
                    <NobodySo filters={filters} />
                    Change the filters, or clear them. Words are found by their beginnings; all of
                    them have to be there.
                  </>
                ),
              }
            : {
                title: "No operations yet",
                hint: "Statements and requests appear here about a second after they were decided.",
              }
        }
      />
    </>
  );
}

const COLUMNS: Column<Operation>[] = [
  {
    header: "Operation",
    cell: (o) => (
      <span className={classes.statement}>
        <CodeLine code={o.text} language={languageOf(o.protocol)} />
      </span>
    ),
  },
  { header: "Decision", width: "6.5rem", cell: (o) => <Decision decision={o.verdict} /> },
  {
    header: "Policy",
    width: "9.5rem",
    hideBelow: "lg",
    cell: (o) => <PolicyNames names={o.policies} />,
  },
  { header: "Who", width: "7.5rem", cell: (o) => <PrincipalName id={o.principal} /> },
  { header: "Connection", width: "6.5rem", cell: (o) => <HostileText text={o.connection} /> },
  { header: "Time", width: "7rem", cell: (o) => <Timestamp at={o.at} /> },
  { header: "Answer", width: "8rem", align: "right", cell: (o) => <Came op={o} /> },
];

function Came({ op }: { op: Operation }) {
  if (!op.ending)
    return <span className={classes.dim}>{op.verdict === "deny" ? "–" : "none"}</span>;
  const waited = NOT_RUN[op.ending];
  if (waited) {
    return (
      <span className={classes.dim} title="It waited for an approval, and did not run.">
        {waited}
      </span>
    );
  }
  const size = op.rows > 0 || op.bytes === 0 ? counted(op.rows, "row") : bytes(op.bytes);
  return (
    <span className={classes.marks}>
      {op.ending !== "done" && <span className={classes.bad}>{op.ending}</span>}
      <span>{size}</span>
      <span className={classes.dim}>{duration(op.micros)}</span>
      {op.masked.length > 0 && (
        <span className={classes.mark} title={`masked: ${op.masked.map(visible).join(", ")}`}>
          <IconEyeOff size={13} aria-hidden />
          {counted(op.masked.length, "column")} masked
        </span>
      )}
    </span>
  );
}

/** Held, and nothing of it reached the target: no error of anybody's. */
const NOT_RUN: Partial<Record<NonNullable<Operation["ending"]>, string>> = {
  denied: "denied by people",
  unapproved: "not approved",
};
