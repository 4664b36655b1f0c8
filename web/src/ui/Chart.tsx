// A chart over time. The drawing is loaded when it is needed; the numbers can also be read as a table.
import { Skeleton, Table, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import { count } from "./numbers";
import { exact } from "./time";
import classes from "./ui.module.css";

const Drawing = lazy(() => import("./ChartDrawing"));

export interface Series {
  /** The name of the value in each point. */
  name: string;
  label: string;
  /** Of the theme: `green.6`. */
  color: string;
}

export interface Point {
  /** Microseconds since the epoch. */
  at: number;
  [series: string]: number;
}

export interface ChartProps {
  title: string;
  points: Point[];
  series: Series[];
  height?: number;
  format?: (value: number) => string;
}

export function Chart(props: ChartProps) {
  const { title, points, series, height = 200, format = count } = props;
  return (
    <figure className={classes.chart} aria-label={title}>
      <figcaption>
        <Text size="sm" fw={600} component="span">
          {title}
        </Text>
        <Text size="xs" c="dimmed" component="span">
          {summary(points, series, format)}
        </Text>
      </figcaption>
      <Suspense fallback={<Skeleton height={height} />}>
        <Drawing {...props} height={height} format={format} />
      </Suspense>
      <details className={classes.numbers}>
        <summary>As a table</summary>
        <Numbers points={points} series={series} format={format} />
      </details>
    </figure>
  );
}

type NumbersProps = Pick<ChartProps, "points" | "series"> & { format: (value: number) => string };

function Numbers({ points, series, format }: NumbersProps) {
  return (
    <Table fz="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Time</Table.Th>
          {series.map((s) => (
            <Table.Th key={s.name} scope="col" ta="right">
              {s.label}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {points.map((p) => (
          <Table.Tr key={p.at}>
            <Table.Th scope="row" fw={400}>
              {exact(p.at)}
            </Table.Th>
            {series.map((s) => (
              <Table.Td key={s.name} ta="right">
                {format(p[s.name] ?? 0)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function summary(points: Point[], series: Series[], format: (value: number) => string): string {
  if (points.length === 0) return "nothing in this time";
  return series
    .map(({ name, label }) => {
      const values = points.map((p) => p[name] ?? 0);
      return `${label}: at most ${format(Math.max(...values))}, last ${format(values.at(-1) ?? 0)}`;
    })
    .join("; ");
}
