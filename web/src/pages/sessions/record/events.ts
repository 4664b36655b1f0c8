// The events of a record as the replay sends them: one JSON object per line. docs/records.md tells what each one is.

/** SQL NULL, a text, or the length of bytes that are no text. */
export type RecordedValue = "null" | { text: string } | { bytes: number };

export interface Allowed {
  decision: "allow";
  policies: string[];
}

export interface Asked {
  decision: "ask";
  group_sets: string[][];
  people: number;
  policies: string[];
}

export interface Denied {
  decision: "deny";
  policy: string | null;
  message: string;
}

export type Decision = Allowed | Asked | Denied;

export type Outcome = { done: string } | { failed: string } | { cut: string };

export type Side = "caller" | "target";

export interface MaskedColumn {
  name: string;
  class?: string | null;
}

/** The action, and the resource as people write it. */
export type Access = [action: string, resource: string];

export interface SessionOpened {
  event: "session_opened";
  session: string;
  principal: string;
  groups: string[];
  owner?: string;
  token: string | null;
  workload?: { issuer: string; subject: string };
  connection: string;
  protocol: string;
  account: string;
  database: string;
  client_address: string;
  application: string | null;
  /** Why, as they said. */
  reason?: string;
  /** They asked for emergency access. */
  break_glass?: boolean;
  policies: string[];
}

type EventBody =
  | SessionOpened
  | {
      event: "asked";
      op: number;
      text: string;
      parameters?: RecordedValue[];
      accesses?: Access[];
      decision: Decision;
      approval?: string;
    }
  | { event: "prepared"; text: string }
  | { event: "estimate_asked"; text: string; parameters?: RecordedValue[] }
  | { event: "estimate_answered"; rows: number | null }
  | { event: "held"; op: number; approval: string; digest: string }
  | {
      event: "hold_ended";
      op: number;
      approval: string;
      how: string;
      by: string[];
      reason?: string;
    }
  | { event: "rows"; op: number; columns?: string[]; rows: RecordedValue[][]; capped?: boolean }
  | { event: "head"; op: number; side: Side; line: string; fields: [string, string][] }
  | { event: "part"; op: number; side: Side; content: RecordedValue; capped?: boolean }
  | {
      event: "answered";
      op: number;
      outcome: Outcome;
      rows: number;
      bytes: number;
      masked?: MaskedColumn[];
      micros: number;
    }
  | { event: "session_closed"; why: string }
  | { event: "gap"; why: string };

/** `at` counts microseconds since the epoch. */
export type RecordedEvent = EventBody & { at: number };

/** The policies that a decision names. */
export function policiesOf(decision: Decision): string[] {
  if (decision.decision !== "deny") return decision.policies;
  return decision.policy === null ? [] : [decision.policy];
}

/** A value in words; text stays as it is and has to be made visible. */
export function valueText(value: RecordedValue): string {
  if (value === "null") return "NULL";
  return "text" in value ? value.text : `(${value.bytes} bytes)`;
}
