// Lines out of chunks, operations out of events, archives and findings out of operations.
import { describe, expect, it } from "vitest";
import type { RecordedEvent } from "./events";
import { next, wanted } from "./find";
import { toHar } from "./har";
import { Lines } from "./lines";
import { readStream } from "./read";
import { SessionRecord } from "./record";

const OPENED: RecordedEvent = {
  event: "session_opened",
  at: 1_000_000,
  session: "s-1",
  principal: "user:ada",
  groups: ["engineering"],
  token: null,
  connection: "shop",
  protocol: "postgres",
  account: "app",
  database: "shop",
  client_address: "127.0.0.1",
  application: "psql",
  policies: ["staff-connects"],
};

const allow = (policy: string) => ({ decision: "allow" as const, policies: [policy] });
const ask = { decision: "ask" as const, group_sets: [["dba"]], people: 1, policies: ["writes"] };

function asked(op: number, text: string, more: object = {}): RecordedEvent {
  return { event: "asked", at: op * 1_000, op, text, decision: allow("reads"), ...more };
}

function record(events: RecordedEvent[], limits?: ConstructorParameters<typeof SessionRecord>[0]) {
  const made = new SessionRecord(limits);
  for (const event of events) made.add(event, 100);
  return made;
}

describe("Lines", () => {
  it("waits for the end of a line, however the stream is cut", () => {
    const text = '{"a":1}\n\n{"b":"x\\ny"}\n{"c":3}';
    for (let size = 1; size <= text.length; size += 1) {
      const lines = new Lines();
      const found: string[] = [];
      for (let at = 0; at < text.length; at += size)
        found.push(...lines.push(text.slice(at, at + size)));
      found.push(...lines.end());
      expect(found).toEqual(['{"a":1}', '{"b":"x\\ny"}', '{"c":3}']);
    }
  });
});

describe("readStream", () => {
  const stream = (text: string, size: number) => {
    const bytes = new TextEncoder().encode(text);
    return new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size)
          controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
  };

  it("reads characters that are cut in two", async () => {
    const events: RecordedEvent[] = [];
    const text = `${JSON.stringify(OPENED)}\n${JSON.stringify(asked(1, "SELECT 'äöü→😀'"))}\n`;
    await readStream(stream(text, 7), (event) => events.push(event) > 0);
    expect(events).toEqual([OPENED, asked(1, "SELECT 'äöü→😀'")]);
  });

  it("says when a record stops within an event", async () => {
    const half = `${JSON.stringify(OPENED)}\n{"event":"ask`;
    await expect(readStream(stream(half, 50), () => true)).rejects.toThrow("stops in the middle");
  });

  it("says when the stream breaks off", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new TypeError("network error")),
    });
    await expect(readStream(broken, () => true)).rejects.toThrow("stopped coming");
  });

  it("stops when told to", async () => {
    let count = 0;
    const text = `${JSON.stringify(OPENED)}\n`.repeat(100);
    await readStream(stream(text, 64), () => {
      count += 1;
      return count < 3;
    });
    expect(count).toBe(3);
  });
});

describe("SessionRecord", () => {
  it("puts together what belongs to an operation", () => {
    const made = record([
      OPENED,
      asked(1, "DELETE FROM t", { decision: ask }),
      { event: "estimate_asked", at: 2, text: "DELETE FROM t" },
      { event: "estimate_answered", at: 3, rows: 40 },
      { event: "held", at: 4, op: 1, approval: "a-1", digest: "" },
      { event: "hold_ended", at: 9, op: 1, approval: "a-1", how: "approved", by: ["user:dana"] },
      asked(2, "DELETE FROM t", { approval: "a-1", parameters: ["null", { text: "4" }] }),
      { event: "rows", at: 11, op: 2, columns: ["ssn"], rows: [[{ text: "***" }]], capped: false },
      { event: "rows", at: 12, op: 2, rows: [["null"]], capped: true },
      {
        event: "answered",
        at: 13,
        op: 2,
        outcome: { done: "DELETE 2" },
        rows: 2,
        bytes: 9,
        masked: [{ name: "ssn", class: "ssn" }],
        micros: 900,
      },
      { event: "session_closed", at: 14, why: "the client left" },
    ]);
    expect(made.entries.map((e) => e.key)).toEqual(["1", "2", "x2"]);
    expect(made.get(1)).toMatchObject({
      estimate: { rows: 40 },
      hold: { approval: "a-1", ended: { how: "approved", by: ["user:dana"] } },
      answered: null,
    });
    expect(made.get(2)).toMatchObject({
      approval: "a-1",
      columns: ["ssn"],
      rows: [[{ text: "***" }], ["null"]],
      capped: true,
      answered: { rows: 2, masked: [{ name: "ssn" }] },
    });
    expect(made.closed).toBe(true);
  });

  it("gives an estimate that came first to the operation after it", () => {
    const made = record([
      OPENED,
      { event: "estimate_asked", at: 1, text: "UPDATE t" },
      { event: "estimate_answered", at: 2, rows: null },
      asked(1, "UPDATE t"),
      { event: "estimate_asked", at: 3, text: "never decided" },
      { event: "gap", at: 4, why: "the gateway was killed" },
    ]);
    expect(made.get(1)?.estimate).toEqual({ rows: null });
    expect(made.entries.map((e) => e.kind)).toEqual(["op", "estimate", "gap"]);
    expect(made.gaps).toBe(1);
  });

  it("spares memory: content is left out, operations end", () => {
    const rows = (op: number): RecordedEvent => ({ event: "rows", at: 1, op, rows: [["null"]] });
    const events = [asked(1, "a"), rows(1), asked(2, "b"), rows(2), asked(3, "c"), asked(4, "d")];
    const made = record([OPENED, ...events], { content: 150, operations: 3 });
    expect([made.get(1)?.left, made.get(2)?.left, made.cut]).toEqual([false, true, true]);
    expect(made.get(4)).toBeUndefined();
    const again = new SessionRecord({ content: 0, operations: 9 }, 2);
    for (const event of events) again.add(event, 100);
    expect([again.get(1)?.rows.length, again.get(2)?.rows.length]).toEqual([0, 1]);
  });
});

describe("finding", () => {
  const made = record([
    OPENED,
    asked(1, "SELECT 1"),
    asked(2, "DROP TABLE t", { decision: { decision: "deny", policy: null, message: "no" } }),
    { event: "gap", at: 3, why: "disk full" },
    asked(3, "SELECT name", {}),
    { event: "rows", at: 4, op: 3, columns: ["name"], rows: [[{ text: "Grace (Moreno)" }]] },
  ]);
  const keys = (...args: Parameters<typeof wanted> extends [unknown, ...infer R] ? R : never) =>
    wanted(made.entries, ...args).map((e) => e.key);

  it("filters by decision and keeps gaps", () => {
    expect(keys("deny", "")).toEqual(["2", "x2"]);
  });

  it("searches answers too, whatever the case, and takes words as they are", () => {
    expect(keys(undefined, "grace (m")).toEqual(["3"]);
    expect(keys(undefined, "DISK")).toEqual(["x2"]);
  });

  it("steps to the next one of a kind, both ways", () => {
    const isGap = (e: { kind: string }) => e.kind === "gap";
    expect(next(made.entries, 0, 1, isGap)).toBe(2);
    expect(next(made.entries, 3, -1, isGap)).toBe(2);
    expect(next(made.entries, 2, 1, isGap)).toBe(-1);
  });
});

it("makes an archive of requests and answers", () => {
  const fields: [string, string][] = [["content-type", "application/json"]];
  const made = record([
    OPENED,
    { event: "head", at: 1, op: 1, side: "caller", line: "POST /a?x=1&y", fields },
    { event: "part", at: 1, op: 1, side: "caller", content: { text: "{}" } },
    { ...asked(1, "POST /a?x=1&y"), at: 1_000_000 },
    { event: "head", at: 2, op: 1, side: "target", line: "201", fields },
    { event: "answered", at: 3, op: 1, outcome: { done: "201" }, rows: 0, bytes: 7, micros: 2_500 },
    asked(2, "SELECT 1"),
  ]);
  const { log } = toHar(made) as { log: { entries: Record<string, unknown>[] } };
  expect(log.entries).toHaveLength(1);
  expect(log.entries[0]).toMatchObject({
    startedDateTime: "1970-01-01T00:00:01.000Z",
    time: 2,
    request: {
      method: "POST",
      url: "https://shop/a?x=1&y",
      queryString: [
        { name: "x", value: "1" },
        { name: "y", value: "" },
      ],
      postData: { mimeType: "application/json", text: "{}" },
    },
    response: { status: 201, content: { size: 7 } },
  });
});
