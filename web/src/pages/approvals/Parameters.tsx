// What an operation brings along besides its text: values that are bound to it, by number, and the parts of a request, by
// name. Values of a data class come masked.
import { HostileText } from "@/ui/HostileText";
import classes from "./approvals.module.css";

type Parameter = { name: string; value?: string | null };

export function Parameters({ values }: { values: Parameter[] }) {
  if (values.length === 0) return null;
  return (
    <dl className={classes.parameters} aria-label="Parameters">
      {values.map(({ name, value }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its place.
        <div key={at}>
          <dt>{name}</dt>
          <dd>
            {value == null ? (
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
