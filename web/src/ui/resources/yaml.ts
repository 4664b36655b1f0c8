// Resources as YAML: printed the way people write them, and read with places.
import {
  Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import type { Mark } from "@/ui/Editor";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = { [key: string]: Json };

// What people want to read first. Everything else keeps its order.
const ORDER = [
  "kind",
  "name",
  "title",
  "default",
  "protocol",
  "environment",
  "labels",
  "time_zone",
  "username",
  "password",
  "credential",
  "address",
  "database",
  "target",
  "accounts",
  "databases",
  "principal",
  "connection",
  "columns",
  "fields",
  "detectors",
  "mask",
];

// What the gateway fills in by itself and a file does not have to say.
const DEFAULTS: Record<string, Fields> = {
  Connection: { labels: {}, strict_masking: true, hold_timeout_seconds: 600, settings: {} },
  DataClass: { columns: [], fields: [], detectors: [] },
  Notifier: { events: ["approval"], only: {}, people: {}, details: "full" },
};

// A list or group of settings that fits is written on one line.
const ONE_LINE = 76;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without what says nothing: nulls, and what the gateway takes for granted. */
export function tidy(kind: string, body: Fields): Fields {
  const usual = DEFAULTS[kind] ?? {};
  const left = Object.entries(body).filter(
    ([key, value]) => !(key in usual && same(value, usual[key])),
  );
  return withoutNulls(Object.fromEntries(left)) as Fields;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isFields(value)) return value;
  const left = Object.entries(value).filter(
    // An account that is not the default one need not say so.
    ([key, v]) => v !== null && !(key === "default" && v === false),
  );
  return Object.fromEntries(left.map(([key, v]) => [key, withoutNulls(v)]));
}

function rank(key: string): number {
  const at = ORDER.indexOf(key);
  return at < 0 ? ORDER.length : at;
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isFields(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(entries.map(([key, v]) => [key, ordered(v)]));
}

/** One resource as a document of a file. */
export function print(kind: string, body: Fields): string {
  const document = new Document(ordered({ kind, ...tidy(kind, body) }), { compat: "yaml-1.1" });
  visit(document, {
    Collection(_, node, path) {
      if (path.length <= 1) return undefined;
      // Rough is enough: quotes are what is not counted.
      node.flow = JSON.stringify(node.toJSON()).length <= ONE_LINE;
      return undefined;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

export interface Parsed {
  /** Of the first document; null where it cannot be read or says nothing. */
  body: Fields | null;
  kind: string;
  name: string;
  /** Documents with something in them. */
  documents: number;
  marks: Mark[];
}

/** What a text says. `kind` is not part of the body. */
export function parse(text: string): Parsed {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })];
  const marks = documents
    .flatMap((d) => d.errors)
    .map((error): Mark => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { line, column: col, message: error.message };
    });
  const filled = documents.filter((d) => d.contents !== null);
  const value: unknown = marks.length > 0 ? null : filled[0]?.toJS();
  if (!isFields(value)) return { body: null, kind: "", name: "", documents: filled.length, marks };
  const { kind, ...body } = value;
  return {
    body,
    kind: typeof kind === "string" ? kind : "",
    name: typeof body.name === "string" ? body.name : "",
    documents: filled.length,
    marks,
  };
}

/** The field that a place is in: `["accounts", 0, "name"]`; empty where it is in none. */
export function pathAt(text: string, line: number, column: number): (string | number)[] {
  const lines = new LineCounter();
  const [document] = [...parseAllDocuments(text, { lineCounter: lines })];
  if (!document || line < 1) return [];
  const start = lines.lineStarts[line - 1];
  if (start === undefined) return [];
  return within(document.contents, start + Math.max(column, 1) - 1);
}

function within(node: Node | null, offset: number): (string | number)[] {
  const holds = (n: unknown) => {
    const range = (n as Node | null)?.range;
    return range ? offset >= range[0] && offset < Math.max(range[1], range[0] + 1) : false;
  };
  if (!isCollection(node)) return [];
  if (isSeq(node)) {
    const at = node.items.findIndex(holds);
    return at < 0 ? [] : [at, ...within(node.items[at] as Node, offset)];
  }
  if (!isMap(node)) return [];
  for (const pair of node.items) {
    if (!isPair(pair)) continue;
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    if (holds(pair.key)) return [key];
    if (holds(pair.value)) return [key, ...within(pair.value as Node, offset)];
  }
  return [];
}
