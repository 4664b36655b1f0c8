// The drawn part of a chart, apart because the library is large.
import "@mantine/charts/styles.css";
import { AreaChart } from "@mantine/charts";
import type { ChartProps } from "./Chart";
import { compact } from "./numbers";
import { exact } from "./time";

const DAY_MICROS = 86_400_000_000;

export default function ChartDrawing({ points, series, height, format }: ChartProps) {
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  // Within a day the time of day tells points apart, beyond it the day does.
  const tick = (at: number) =>
    span > DAY_MICROS ? exact(at).slice(5, 10) : exact(at).slice(11, 16);
  return (
    <AreaChart
      h={height}
      data={points}
      dataKey="at"
      series={series}
      // Not stacked: each line stands as high as the text above says.
      type="default"
      fillOpacity={0.12}
      curveType="monotone"
      withDots={false}
      withLegend={series.length > 1}
      legendProps={{ verticalAlign: "bottom" }}
      valueFormatter={format}
      xAxisProps={{ tickFormatter: tick, minTickGap: 40 }}
      // What is drawn is counted, and nothing happens half.
      yAxisProps={{ width: 48, allowDecimals: false, tickFormatter: compact }}
      areaProps={{ isAnimationActive: false }}
      tooltipProps={{ labelFormatter: (at) => exact(Number(at)) }}
    />
  );
}
