// The rows of an answer, as the caller saw them.
import { Text, Title } from "@mantine/core";
import { IconEyeOff } from "@tabler/icons-react";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import type { MaskedColumn } from "../record/events";
import type { Operation } from "../record/record";
import { Value } from "./OperationView";
import classes from "./replay.module.css";

export function Answer({ op }: { op: Operation }) {
  const masked = op.answered?.masked ?? [];
  if (op.columns.length === 0 && op.rows.length === 0) return <Masked columns={masked} />;
  const width = Math.max(op.columns.length, op.rows[0]?.length ?? 0);
  const columns = Array.from({ length: width }, (_, at) => op.columns[at] ?? "");
  const hidden = columns.map((name) => masked.find((m) => m.name === name));
  return (
    <div>
      <Title order={3} mb={4}>
        Answer, as the caller saw it
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className={classes.grid} aria-label="Answer" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map((name, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns may have the same name.
                <th key={at} scope="col" className={hidden[at] && classes.masked}>
                  <HostileText text={name} />
                  {hidden[at] && (
                    <IconEyeOff size={13} role="img" aria-label={`masked: ${why(hidden[at])}`} />
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {op.rows.map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of an answer never move.
              <tr key={at}>
                {row.map((value, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: values go by their column.
                  <td key={column} className={hidden[column] && classes.masked}>
                    <Value value={value} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Text size="xs" c="dimmed" mt={4}>
        {op.capped
          ? `The first ${counted(op.rows.length, "row")}; more rows were not kept.`
          : counted(op.rows.length, "row")}
      </Text>
      <Masked columns={masked} />
    </div>
  );
}

/** Columns or fields that were masked, with the class of data. */
export function Masked({ columns }: { columns: MaskedColumn[] }) {
  if (columns.length === 0) return null;
  return (
    <Text size="sm" mt={4} className={classes.titles} component="div">
      <IconEyeOff size={15} aria-hidden />
      <span>Masked:</span>
      {columns.map((column, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: columns may have the same name.
        <span key={at}>
          <HostileText mono text={column.name} /> ({why(column)})
        </span>
      ))}
    </Text>
  );
}

function why(column: MaskedColumn): string {
  return column.class ?? "derived, or of unknown origin";
}
