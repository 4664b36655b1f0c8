// Differences made shorter to read, and turned back into the text that they lead to.
import type { Schemas } from "@/api/client";

const AROUND = 3;

/** Long runs of lines that stay are left out, but for a few around each change. */
export function fold(lines: string[], around = AROUND): string[] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.startsWith(" ")) return;
    for (let n = at - around; n <= at + around; n++) near.add(n);
  });
  const shown: string[] = [];
  let hidden: string[] = [];
  const flush = () => {
    // Saying that one line is left out takes as much room as the line.
    if (hidden.length === 1) shown.push(...hidden);
    else if (hidden.length > 1) shown.push(`  ... ${hidden.length} lines as they were`);
    hidden = [];
  };
  lines.forEach((line, at) => {
    if (!near.has(at)) {
      hidden.push(line);
      return;
    }
    flush();
    shown.push(line);
  });
  flush();
  return shown;
}

/** Without the lines that say that a setting is not there: files leave such settings out. */
export function withoutNulls(lines: string[]): string[] {
  return lines.filter((line) => !/^[-+ ] *[\w-]+: null$/.test(line));
}

/** The whole text after the change. */
export function after(lines: string[]): string {
  const kept = lines.filter((line) => !line.startsWith("-")).map((line) => `${line.slice(1)}\n`);
  return kept.join("");
}

/** What a file would say of the resource after the change. */
export function textAfter({
  kind,
  diff,
}: Pick<Schemas["ResourceChange"], "kind" | "diff">): string {
  const text = after(kind === "Policy" ? diff : withoutNulls(diff));
  return kind === "Policy" ? text : `kind: ${kind}\n${text}`;
}
