// The sessions page: live and recorded sessions.

import { useMediaQuery } from "@mantine/hooks";
import { Link } from "react-router";
import { type Answer, useApi } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { count } from "@/ui/numbers";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { duration } from "@/ui/time";
import { useNow } from "@/ui/useNow";
import { Incomplete } from "./Incomplete";
import { ListHeader } from "./ListHeader";
import { LiveBadge } from "./LiveBadge";
import { NobodySo } from "./NobodySo";
import { Counts } from "./SessionFacts";
import classes from "./sessions.module.css";
import { useFound } from "./useFound";

const PHONE = "(max-width: 48em)";

type Session = Answer<"/v1/sessions">["sessions"][number];

export function Component() {
  const { filters, query } = useFound();
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const found = useApi("/v1/sessions", { query }, { keep: true });
  return (
    <>
      <ListHeader filters={filters} />
      <Incomplete found={found.data} last={found.data?.sessions.at(-1)?.started} />
      <DataTable
        label="Sessions"
        query={found}
        rows={found.data?.sessions}
        rowKey={(s) => s.id}
        rowHref={(s) => to.session(s.id)}
        columns={phone ? CARD_COLUMNS : COLUMNS}
        older={found.data?.next}
        empty={
          filters.any
            ? {
                title: found.data?.incomplete ? "Nothing found so far" : "No session found",
                hint: (
                  <>
                    <NobodySo filters={filters} />
                    Change the filters, or clear them.
                  </>
                ),
              }
            : {
                title: "No sessions yet",
                hint: "A session appears here as soon as somebody connects through the gateway.",
              }
        }
      />
    </>
  );
}

const COLUMNS: Column<Session>[] = [
  { header: "Who", cell: (s) => <PrincipalName id={s.principal} /> },
  {
    header: "Connection",
    cell: (s) => (
      <>
        <HostileText text={s.connection} />{" "}
        <span className={classes.dim}>
          <HostileText text={[s.account, s.database].filter(Boolean).join(" @ ")} />
        </span>
      </>
    ),
  },
  { header: "Started", cell: (s) => <Timestamp at={s.started} /> },
  { header: "Lasted", cell: (s) => <Lasted session={s} /> },
  { header: "State", cell: (s) => <State session={s} /> },
  { header: "Operations", align: "right", cell: (s) => count(s.counts?.operations ?? 0) },
  { header: "Denied", align: "right", cell: (s) => <Some of={s.counts?.denied} bad /> },
  { header: "Held", align: "right", cell: (s) => <Some of={s.counts?.held} /> },
  {
    header: "Failed",
    align: "right",
    hideBelow: "md",
    cell: (s) => <Some of={s.counts?.failed} bad />,
  },
  {
    header: "Masked",
    align: "right",
    hideBelow: "md",
    cell: (s) => <Some of={s.counts?.masked_values} />,
  },
];

// A card has room for one line of numbers.
const CARD_COLUMNS: Column<Session>[] = [
  ...COLUMNS.slice(0, 5),
  { header: "Operations", cell: (s) => s.counts && <Counts counts={s.counts} /> },
];

function State({ session: { id, live } }: { session: Session }) {
  return (
    <span className={classes.state}>
      <LiveBadge live={live} />
      {live && <Link to={`${to.session(id)}?watch=true`}>Watch</Link>}
    </span>
  );
}

function Lasted({ session }: { session: Session }) {
  const now = useNow();
  if (!session.live && !session.ended) return "";
  return duration(Math.max((session.ended ?? now * 1000) - session.started, 0));
}

/** Nothing of a kind is not worth the attention. */
function Some({ of = 0, bad = false }: { of?: number; bad?: boolean }) {
  if (of === 0) return <span className={classes.dim}>0</span>;
  return <span className={bad ? classes.bad : undefined}>{count(of)}</span>;
}
