// What is wrong with files, as marks in an editor and as lines below it.
import type { Schemas } from "@/api/client";
import type { Mark } from "@/ui/Editor";
import { visible } from "@/ui/visible";
import { pathAt } from "./yaml";

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

/** Which part of a resource lacks something: `in accounts 1, `, as people count; nothing where it is the whole. */
function part(problem: Problem, text: string | undefined): string {
  if (text === undefined || !/is missing$/.test(problem.message)) return "";
  const path = pathAt(text, problem.line, problem.column);
  const words = path.map((step) => (typeof step === "number" ? String(step + 1) : step));
  return words.length > 1 ? `in ${visible(words.join(" "))}, ` : "";
}

/** `line 3: ...` within the file that is shown, `other.yaml:3: ...` elsewhere. */
export function lineOf(problem: Problem, shown: string | undefined, text?: string): string {
  const here = problem.file === shown;
  const place = problem.line > 0 ? (here ? `line ${problem.line}` : `:${problem.line}`) : "";
  const where = here ? place : `${visible(problem.file)}${place}`;
  const what = `${here ? part(problem, text) : ""}${sentence(problem)}`;
  return where ? `${where}: ${what}` : sentence(problem);
}
