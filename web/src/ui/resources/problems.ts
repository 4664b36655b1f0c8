// What is wrong with files, as marks in an editor and as lines below it.
import type { Schemas } from "@/api/client";
import type { Mark } from "@/ui/Editor";
import { visible } from "@/ui/visible";

export type Problem = Schemas["ProblemInfo"];

/** What is wrong, and what was probably meant. */
export function sentence({ message, help, policy }: Problem): string {
  const where = policy ? `${policy}: ` : "";
  return visible(`${where}${message}${help ? ` (${help})` : ""}`);
}

/** Those of one file as marks. */
export function marksOf(problems: Problem[], file: string): Mark[] {
  return problems
    .filter((p) => p.file === file)
    .map((p) => ({ line: p.line, column: p.column, message: sentence(p) }));
}

/** `line 3: ...` within the file that is shown, `other.yaml:3: ...` elsewhere. */
export function lineOf(problem: Problem, shown: string | undefined): string {
  const here = problem.file === shown;
  const place = problem.line > 0 ? (here ? `line ${problem.line}` : `:${problem.line}`) : "";
  const where = here ? place : `${visible(problem.file)}${place}`;
  return where ? `${where}: ${sentence(problem)}` : sentence(problem);
}
