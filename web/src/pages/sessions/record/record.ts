// Puts the events of a session together into what a person looks at: operations with all that belongs to each.
import type {
  Access,
  Decision,
  MaskedColumn,
  Outcome,
  RecordedEvent,
  RecordedValue,
  SessionOpened,
  Side,
} from "./events";

export interface Hold {
  at: number;
  approval: string;
  /** Absent while it waits. */
  ended?: { at: number; how: string; by: string[]; reason?: string };
}

export interface Head {
  line: string;
  fields: [string, string][];
}

export interface Part {
  at: number;
  side: Side;
  content: RecordedValue;
  capped: boolean;
}

export interface Operation {
  op: number;
  at: number;
  text: string;
  parameters: RecordedValue[];
  accesses: Access[];
  /** Null while only the beginning of its request is on record. */
  decision: Decision | null;
  approval: string | null;
  hold: Hold | null;
  /** The rows that the planner expects; null inside where it gave no answer. */
  estimate: { rows: number | null } | null;
  columns: string[];
  rows: RecordedValue[][];
  capped: boolean;
  caller: Head | null;
  target: Head | null;
  parts: Part[];
  answered: {
    at: number;
    outcome: Outcome;
    rows: number;
    bytes: number;
    masked: MaskedColumn[];
    micros: number;
  } | null;
  /** Its content was left out to spare memory; it can be read again by itself. */
  left: boolean;
}

/** One row of the timeline. `key` stands in the address: the number of an operation, or the place of something else. */
export type Entry = { key: string; at: number } & What;

type What =
  | { kind: "op"; op: Operation }
  | { kind: "prepared"; text: string }
  | { kind: "estimate"; text: string; rows: number | null | undefined }
  | { kind: "gap"; why: string }
  | { kind: "closed"; why: string };

type Estimating = Extract<What, { kind: "estimate" }>;
type Estimate = Extract<Entry, { kind: "estimate" }>;

export interface Limits {
  /** Characters of answers and messages that are kept. */
  content: number;
  operations: number;
}

/** What a tab of a browser holds without getting slow. */
export const LIMITS: Limits = { content: 96 << 20, operations: 100_000 };

export class SessionRecord {
  opened: (SessionOpened & { at: number }) | null = null;
  readonly entries: Entry[] = [];
  events = 0;
  closed = false;
  gaps = 0;
  /** There are more operations than are kept. */
  cut = false;
  private content = 0;
  private readonly operations = new Map<number, Operation>();
  private estimating: Estimate | null = null;

  /** `only`: keep the content of this one operation, and of no other. */
  constructor(
    private readonly limits = LIMITS,
    private readonly only?: number,
  ) {}

  get(op: number): Operation | undefined {
    return this.operations.get(op);
  }

  all(): IterableIterator<Operation> {
    return this.operations.values();
  }

  /** Takes in an event. False: enough, nothing more is taken in. */
  add(event: RecordedEvent, size: number): boolean {
    if (this.cut) return false;
    this.events += 1;
    switch (event.event) {
      case "session_opened":
        this.opened = event;
        return true;
      case "session_closed":
        this.closed = true;
        this.push(event.at, { kind: "closed", why: event.why });
        return true;
      case "gap":
        this.gaps += 1;
        this.push(event.at, { kind: "gap", why: event.why });
        return true;
      case "prepared":
        this.push(event.at, { kind: "prepared", text: event.text });
        return true;
      case "estimate_asked":
        this.beginEstimate(event.text, event.at);
        return true;
      case "estimate_answered":
        this.endEstimate(event.rows);
        return true;
      default:
        // Events of a later version that this page knows nothing of.
        if (!("op" in event)) return true;
        return this.addTo(event, size);
    }
  }

  private addTo(event: Extract<RecordedEvent, { op: number }>, size: number): boolean {
    const op = this.operation(event.op, event.at);
    if (!op) return false;
    switch (event.event) {
      case "asked":
        op.at = event.at;
        op.text = event.text;
        op.parameters = event.parameters ?? [];
        op.accesses = event.accesses ?? [];
        op.decision = event.decision;
        op.approval = event.approval ?? null;
        this.takeEstimate(op);
        break;
      case "held":
        op.hold = { at: event.at, approval: event.approval };
        break;
      case "hold_ended":
        op.hold ??= { at: event.at, approval: event.approval };
        op.hold.ended = { at: event.at, how: event.how, by: event.by, reason: event.reason };
        break;
      case "head":
        op[event.side] = { line: event.line, fields: event.fields };
        if (event.side === "caller" && op.text === "") op.text = event.line;
        break;
      case "rows":
        if (event.columns?.length) op.columns = event.columns;
        op.capped ||= event.capped ?? false;
        if (this.hasRoom(op, size)) for (const row of event.rows) op.rows.push(row);
        break;
      case "part":
        if (this.hasRoom(op, size)) {
          const { at, side, content, capped = false } = event;
          op.parts.push({ at, side, content, capped });
        }
        break;
      case "answered":
        op.answered = { ...event, masked: event.masked ?? [] };
        break;
    }
    return true;
  }

  private push<Kind extends What>(at: number, what: Kind, key = `x${this.entries.length}`) {
    const entry = { ...what, at, key };
    this.entries.push(entry);
    return entry;
  }

  private operation(number: number, at: number): Operation | null {
    const known = this.operations.get(number);
    if (known) return known;
    if (this.operations.size >= this.limits.operations) {
      this.cut = true;
      return null;
    }
    const op: Operation = {
      op: number,
      at,
      text: "",
      parameters: [],
      accesses: [],
      decision: null,
      approval: null,
      hold: null,
      estimate: null,
      columns: [],
      rows: [],
      capped: false,
      caller: null,
      target: null,
      parts: [],
      answered: null,
      left: false,
    };
    this.operations.set(number, op);
    this.push(at, { kind: "op", op }, String(number));
    return op;
  }

  private hasRoom(op: Operation, size: number): boolean {
    const room = this.only === undefined ? this.content + size <= this.limits.content : false;
    if (!room && this.only !== op.op) {
      op.left = true;
      return false;
    }
    this.content += size;
    return true;
  }

  // An estimate names no operation. It is asked for before its operation is decided, or once it has to wait; the same
  // text tells which one it is.
  private beginEstimate(text: string, at: number) {
    this.estimating = this.push<Estimating>(at, { kind: "estimate", text, rows: undefined });
  }

  private endEstimate(rows: number | null) {
    const estimate = this.estimating;
    if (!estimate) return;
    estimate.rows = rows;
    const before = this.entries.at(-2);
    if (before?.kind !== "op" || before.op.text !== estimate.text || before.op.answered) return;
    before.op.estimate = { rows };
    this.drop(estimate);
  }

  private takeEstimate(op: Operation) {
    const estimate = this.estimating;
    if (estimate?.rows === undefined || estimate.text !== op.text) return;
    op.estimate = { rows: estimate.rows };
    const at = this.entries.indexOf(estimate, -3);
    if (at >= 0 && at >= this.entries.length - 2) this.drop(estimate);
    this.estimating = null;
  }

  /** Takes an estimate out again that is told with its operation. It is always among the last. */
  private drop(estimate: Entry) {
    const at = this.entries.lastIndexOf(estimate);
    if (at >= 0) this.entries.splice(at, 1);
    this.estimating = null;
  }
}
