// The values that are bound to an operation, by number. Values of a data class come masked.
import { HostileText } from "@/ui/HostileText";
import classes from "./approvals.module.css";

export function Parameters({ values }: { values: (string | null)[] }) {
  if (values.length === 0) return null;
  return (
    <dl className={classes.parameters} aria-label="Parameters">
      {values.map((value, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its number.
        <div key={at}>
          <dt>${at + 1}</dt>
          <dd>
            {value === null ? (
              <span className={classes.null}>NULL</span>
            ) : value === "" ? (
              <span className={classes.null}>empty text</span>
            ) : (
              <HostileText mono text={value} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
