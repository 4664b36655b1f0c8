// Forms over a text: what the text says is what the fields show, and a changed field is a changed text.
import { Alert } from "@mantine/core";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import type { Problem } from "./problems";
import { sentence } from "./problems";
import type { Check } from "./useCheck";
import { type Fields, isFields, type Json, parse, pathAt, print } from "./yaml";

export type Path = (string | number)[];

/** `get(body, ["accounts", 0, "name"])`. */
export function get(from: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)];
    return isFields(value) ? value[key] : undefined;
  }, from);
}

/** The same with another value at a place; undefined takes it away, with groups that become empty. */
export function set(from: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === "number") {
    const list = Array.isArray(from) ? [...from] : [];
    const item = set(list[key], rest, value);
    // A place in a list is taken away only as a whole: one that became empty stays to be filled again.
    if (item === undefined && rest.length === 0) list.splice(key, 1);
    else list[key] = item ?? {};
    return list;
  }
  const group: Fields = isFields(from) ? { ...from } : {};
  const inner = set(group[key], rest, value);
  if (inner === undefined) delete group[key];
  else group[key] = inner;
  return Object.keys(group).length > 0 ? group : undefined;
}

interface Form {
  body: Fields;
  change: (path: Path, value: Json | undefined) => void;
  /** What is wrong with a field, or with anything in it when nothing shows that. */
  error: (path: Path) => string | undefined;
}

const FormContext = createContext<Form | null>(null);

export function useForm(): Form {
  const form = useContext(FormContext);
  if (!form) throw new Error("fields stand in a ResourceForm");
  return form;
}

interface ResourceFormProps {
  kind: string;
  text: string;
  onChange: (text: string) => void;
  /** The file as problems name it. */
  file: string;
  check: Check;
  /** What the page itself knows to be wrong, by place: `accounts.0.name`. */
  known?: Map<string, string>;
  children: ReactNode;
}

export function ResourceForm({
  kind,
  text,
  onChange,
  file,
  check,
  known,
  children,
}: ResourceFormProps) {
  const said = useMemo(() => parse(text), [text]);
  const readable = said.body !== null || text.trim() === "";
  const body = said.body ?? NOTHING;
  const errors = useFieldErrors(text, file, check);
  const form = useMemo(
    (): Form => ({
      body,
      change: (path, value) => onChange(print(kind, (set(body, path, value) ?? {}) as Fields)),
      error: (path) => known?.get(path.join(".")) ?? errors.get(path.join(".")),
    }),
    [body, errors, known, kind, onChange],
  );
  if (!readable || said.documents > 1) {
    return (
      <Alert color="yellow" title="The form cannot show this text">
        {readable
          ? "It has several documents. Leave one of them here."
          : "It cannot be read. Put it right in the YAML, and the form is back."}
      </Alert>
    );
  }
  return <FormContext value={form}>{children}</FormContext>;
}

const NOTHING: Fields = {};

/** What is wrong, by field; as it was while an answer about the newest text is on its way. */
function useFieldErrors(text: string, file: string, check: Check): Map<string, string> {
  const [errors, setErrors] = useState(new Map<string, string>());
  const { state, problems } = check;
  useEffect(() => {
    if (state !== "old") setErrors(byField(text, file, problems));
  }, [text, file, state, problems]);
  return errors;
}

const MISSING = /^the setting "(\w+)" is missing/;

export function byField(text: string, file: string, problems: Problem[]): Map<string, string> {
  const found = new Map<string, string>();
  const body = parse(text).body ?? undefined;
  for (const problem of problems) {
    if (problem.file !== file) continue;
    const place = pathAt(text, problem.line, problem.column);
    // What is missing is told of the group that lacks it, and belongs to the field that is empty.
    const missing = MISSING.exec(problem.message)?.[1];
    const group = isFields(get(body, place)) ? place : place.slice(0, -1);
    const field = (missing ? [...group, missing] : place).join(".");
    if (field && !found.has(field)) found.set(field, sentence(problem));
  }
  return found;
}
