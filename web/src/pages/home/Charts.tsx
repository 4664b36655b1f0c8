// What was decided and masked, over time.
import { Skeleton } from "@mantine/core";
import type { Answer } from "@/api/query";
import { Chart, type Series } from "@/ui/Chart";
import { decisionsPerMinute, rate, stepName } from "./span";

const DECISIONS: Series[] = [
  { name: "allowed", label: "allowed", color: "green.6" },
  { name: "asked", label: "asked", color: "yellow.6" },
  { name: "denied", label: "denied", color: "red.6" },
];
const MASKED: Series[] = [{ name: "masked", label: "masked values", color: "violet.5" }];
const HEIGHT = 220;

export function Charts({ overview }: { overview: Answer<"/v1/overview"> | undefined }) {
  if (!overview) {
    return (
      <>
        <Skeleton height={HEIGHT + 90} />
        <Skeleton height={HEIGHT + 90} />
      </>
    );
  }
  const masked = overview.points.map(({ at, masked_values }) => ({ at, masked: masked_values }));
  return (
    <>
      <Chart
        title="Decisions per minute"
        points={decisionsPerMinute(overview)}
        series={DECISIONS}
        height={HEIGHT}
        format={rate}
      />
      <Chart
        title={`Masked values per ${stepName(overview.step_seconds)}`}
        points={masked}
        series={MASKED}
        height={HEIGHT}
      />
    </>
  );
}
