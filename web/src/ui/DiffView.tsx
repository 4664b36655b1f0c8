// A difference line by line; each line begins with ` `, `-` or `+`.
import classes from "./ui.module.css";
import { visible } from "./visible";

const LOOKS: Record<string, string | undefined> = { "+": classes.added, "-": classes.removed };

export function DiffView({ lines, label = "Difference" }: { lines: string[]; label?: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className={classes.diff} aria-label={label} tabIndex={0}>
      <pre>
        {lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of one difference never move.
          <span key={at} className={LOOKS[line.charAt(0)]}>
            {`${visible(line)}\n`}
          </span>
        ))}
      </pre>
    </section>
  );
}
