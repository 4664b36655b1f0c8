// Home: what is going on, what went on, and whether the log is as it was written.
import { SegmentedControl, Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMe } from "@/api/me";
import { useWaiting } from "@/api/waiting";
import { PageHeader } from "@/ui/PageHeader";
import { ErrorState } from "@/ui/states";
import { useFilters } from "@/ui/useFilters";
import { Busiest } from "./Busiest";
import { Charts } from "./Charts";
import classes from "./home.module.css";
import { LogStanding } from "./LogStanding";
import { ForMe, LiveSessions } from "./Now";
import { SPANS, spanOf } from "./span";
import { Tiles } from "./Tiles";
import { useOverview } from "./useOverview";

// Where everything stands in one column.
const NARROW = "(max-width: 75em)";

export function Component() {
  const { admin } = useMe();
  const { values, set } = useFilters("range");
  const span = spanOf(values.range);
  const query = useOverview(span.seconds);
  const overview = query.data;
  const narrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  const forMeFirst = useWaiting() > 0 && narrow;
  return (
    <>
      <PageHeader
        title="Home"
        about={
          admin
            ? "Everything that goes through the gateway."
            : "What you do through the gateway, and what happens on connections that you may watch."
        }
        actions={
          <SegmentedControl
            aria-label="Time"
            data={SPANS.map(({ value, label }) => ({ value, label }))}
            value={span.value}
            onChange={(range) => set({ range: range === SPANS[0].value ? "" : range })}
          />
        }
      />
      {forMeFirst && (
        <div className={classes.first}>
          <ForMe />
        </div>
      )}
      {query.error && !overview ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} />
      ) : (
        <>
          <Tiles overview={overview} span={span} />
          <div className={classes.pair}>
            <Charts overview={overview} />
          </div>
        </>
      )}
      <div className={classes.main}>
        <div className={`${classes.column} ${classes.aside}`}>
          {!forMeFirst && <ForMe />}
          {overview ? (
            overview.log && <LogStanding log={overview.log} />
          ) : (
            <Skeleton height={180} />
          )}
        </div>
        <div className={classes.column}>
          <LiveSessions />
          {overview && <Busiest query={query} range={span.value} />}
        </div>
      </div>
    </>
  );
}
