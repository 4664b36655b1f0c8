// A table of rows from the API: loading, empty and failed states, links, pages; cards on phones.
import { Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { MouseEvent, ReactNode } from "react";
import { Link } from "react-router";
import { Pager } from "./Pager";
import { type EmptyProps, EmptyState, ErrorState } from "./states";
import classes from "./table.module.css";

export interface Column<Row> {
  /** Also the React key. */
  header: string;
  cell: (row: Row) => ReactNode;
  align?: "right";
  width?: string;
  /** Left out below this width of window (cards show it all the same). */
  hideBelow?: "md" | "lg";
}

interface Query {
  isPending: boolean;
  isPlaceholderData: boolean;
  error: unknown;
  refetch: () => unknown;
}

export interface DataTableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  query: Query;
  rows: Row[] | undefined;
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  /** Where a row leads; the first column becomes the link. */
  rowHref?: (row: Row) => string;
  empty: EmptyProps;
  /** Where older rows go on: `next` of the answer. Leave the property out where there are no pages. */
  older?: string | null;
}

const PHONE = "(max-width: 48em)";
const SKELETONS = ["a", "b", "c", "d", "e", "f"];

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { query, rows, empty, older, label } = props;
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  // A failed refresh must not take away what is already there.
  if (query.error && !rows) {
    return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  }
  const Rows = phone ? Cards : Grid;
  const nothing = rows?.length === 0;
  return (
    <div aria-busy={query.isPending || query.isPlaceholderData} className={classes.frame}>
      {nothing ? <EmptyState {...empty} /> : <Rows {...props} />}
      {"older" in props && <Pager older={older} label={label} />}
    </div>
  );
}

function linked<Row>({ columns, rowHref }: DataTableProps<Row>, row: Row, at: number): ReactNode {
  const content = columns[at]?.cell(row);
  if (at > 0 || !rowHref) return content;
  return (
    <Link to={rowHref(row)} className={classes.rowLink}>
      {content}
    </Link>
  );
}

/** Times stand above the link of their row, to be hovered; with a mouse, a click on one still follows the link. */
function followFromTime({ target, currentTarget, nativeEvent }: MouseEvent) {
  const { pointerType } = nativeEvent as PointerEvent;
  if (pointerType !== "mouse" || !(target as Element).closest("time") || inLink(target)) return;
  const link = currentTarget.querySelector(`.${classes.rowLink}`);
  link?.dispatchEvent(new PointerEvent("click", nativeEvent));
}

function inLink(target: EventTarget): boolean {
  return (target as Element).closest("a, button") !== null;
}

function cellClass<Row>({ align, hideBelow }: Column<Row>): string {
  const hide = hideBelow && (hideBelow === "md" ? classes.fromMd : classes.fromLg);
  return [align === "right" && classes.right, hide].filter(Boolean).join(" ");
}

function Grid<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey } = props;
  return (
    <div className={classes.scroll}>
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.header} scope="col" className={cellClass(c)} style={{ width: c.width }}>
                {c.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows?.map((row) => (
            <tr key={rowKey(row)} onClick={followFromTime}>
              {columns.map((c, at) => (
                <td key={c.header} className={cellClass(c)}>
                  {linked(props, row, at)}
                </td>
              ))}
            </tr>
          )) ??
            SKELETONS.map((key) => (
              <tr key={key}>
                {columns.map((c) => (
                  <td key={c.header} className={cellClass(c)}>
                    <Skeleton height={12} my={4} width="70%" />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}

function CardFact({ name, value }: { name: string; value: ReactNode }) {
  if (value === null || value === undefined || value === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Cards<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey } = props;
  return (
    <ul className={classes.cards} aria-label={label}>
      {rows?.map((row) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the card's link has the keys.
        <li key={rowKey(row)} className={classes.card} onClick={followFromTime}>
          <div className={classes.cardHead}>{linked(props, row, 0)}</div>
          <dl className={classes.facts}>
            {columns.slice(1).map((c) => (
              <CardFact key={c.header} name={c.header} value={c.cell(row)} />
            ))}
          </dl>
        </li>
      )) ??
        SKELETONS.map((key) => (
          <li key={key} className={classes.card}>
            <Skeleton height={12} mb={10} width="60%" />
            <Skeleton height={10} width="80%" />
          </li>
        ))}
    </ul>
  );
}
