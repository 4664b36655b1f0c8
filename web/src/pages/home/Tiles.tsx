// The numbers at the top, each leading to what it counts.
import { Skeleton } from "@mantine/core";
import { type Answer, useApi } from "@/api/query";
import { held } from "@/api/waiting";
import { to } from "@/app/to";
import { count } from "@/ui/numbers";
import { Stat } from "@/ui/Stat";
import classes from "./home.module.css";
import { rate, type Span, type Totals, totals } from "./span";

/** What went another way than it was meant to, where something did. */
function also(within: string, { byPeople, failed }: Totals): string {
  const people = byPeople > 0 ? `; ${count(byPeople)} more by people` : "";
  return `${within}${people}; ${count(failed)} failed at the target`;
}

interface TilesProps {
  overview: Answer<"/v1/overview"> | undefined;
  span: Span;
}

export function Tiles({ overview, span }: TilesProps) {
  const approvals = useApi("/v1/approvals").data?.approvals;
  const waits = approvals && held(approvals);
  const sum = overview && totals(overview);
  const shown = (n: number | undefined, format = count) =>
    n === undefined ? <Skeleton height={30} width={60} my={2} /> : format(n);
  const within = `in ${span.label}`;
  const range = span.value;
  return (
    <div className={classes.tiles}>
      <Stat
        label="Live sessions"
        value={shown(overview?.live_sessions)}
        note="now"
        href={to.liveSessions}
      />
      <Stat
        label="Held operations"
        value={shown(waits?.now)}
        note={
          waits?.gone ? `wait now; ${count(waits.gone)} more whose client has gone` : "wait now"
        }
        href={to.approvals}
      />
      <Stat
        label="Decisions per minute"
        value={shown(sum && (sum.decisions * 60) / span.seconds, rate)}
        note={sum ? `${count(sum.decisions)} ${within}` : within}
        href={to.operations({ range })}
      />
      <Stat
        label="Denied"
        value={shown(sum?.denied)}
        note={sum ? also(within, sum) : within}
        href={to.operations({ range, verdict: "deny" })}
      />
      <Stat
        label="Masked values"
        value={shown(sum?.masked)}
        note={within}
        href={to.operations({ range, masked: "true" })}
      />
    </div>
  );
}
