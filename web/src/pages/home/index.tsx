// Home: what is going on, what went on, and whether the log is as it was written.
import { SegmentedControl, Skeleton } from "@mantine/core";
import { useMe } from "@/api/me";
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

export function Component() {
  const { admin } = useMe();
  const { values, set } = useFilters("range");
  const span = spanOf(values.range);
  const query = useOverview(span.seconds);
  const overview = query.data;
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
        {/* First, because on a phone what waits for a decision comes before what goes on. */}
        <div className={`${classes.column} ${classes.aside}`}>
          <ForMe />
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
