// Requests and answers of a session as an HTTP archive (HAR 1.2), the same as `sluice replay --har` writes.
import type { RecordedValue, Side } from "./events";
import type { Operation, SessionRecord } from "./record";

export function toHar(record: SessionRecord): object {
  const connection = record.opened?.connection ?? "";
  const entries = [...record.all()]
    .filter((op) => op.caller?.line)
    .sort((a, b) => a.op - b.op)
    .map((op) => entry(connection, op));
  return { log: { version: "1.2", creator: { name: "sluice console", version: "1" }, entries } };
}

function entry(connection: string, op: Operation) {
  const line = op.caller?.line ?? "";
  const space = line.indexOf(" ");
  const method = space < 0 ? line : line.slice(0, space);
  const target = space < 0 ? "/" : line.slice(space + 1);
  const body = bodyOf(op, "caller");
  const bytes = op.answered?.bytes ?? 0;
  const millis = Math.floor((op.answered?.micros ?? 0) / 1000);
  return {
    startedDateTime: new Date(op.at / 1000).toISOString(),
    time: millis,
    request: {
      method,
      url: `https://${connection}${target}`,
      httpVersion: "HTTP",
      cookies: [],
      headers: pairs(op.caller?.fields),
      queryString: query(target),
      headersSize: -1,
      bodySize: body.length,
      ...(body && {
        postData: { mimeType: fieldOf(op.caller?.fields, "content-type"), text: body },
      }),
    },
    response: {
      status: Number.parseInt(op.target?.line ?? "", 10) || 0,
      statusText: "",
      httpVersion: "HTTP",
      cookies: [],
      headers: pairs(op.target?.fields),
      content: {
        size: bytes,
        mimeType: fieldOf(op.target?.fields, "content-type"),
        text: bodyOf(op, "target"),
      },
      redirectURL: fieldOf(op.target?.fields, "location"),
      headersSize: -1,
      bodySize: bytes,
    },
    cache: {},
    timings: { send: 0, wait: millis, receive: 0 },
    comment: comment(op),
  };
}

export function fieldOf(fields: [string, string][] | undefined, name: string): string {
  return fields?.find(([n]) => n.toLowerCase() === name)?.[1] ?? "";
}

function pairs(fields: [string, string][] = []) {
  return fields.map(([name, value]) => ({ name, value }));
}

function query(target: string) {
  const mark = target.indexOf("?");
  if (mark < 0) return [];
  return target
    .slice(mark + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) return { name: pair, value: "" };
      return { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
    });
}

export function bodyOf(op: Operation, side: Side): string {
  const text = (content: RecordedValue) => {
    if (content === "null") return "";
    return "text" in content ? content.text : `(${content.bytes} bytes)`;
  };
  return op.parts
    .filter((part) => part.side === side)
    .map((part) => text(part.content))
    .join("");
}

function comment(op: Operation): string {
  if (op.answered && "cut" in op.answered.outcome) return `cut: ${op.answered.outcome.cut}`;
  if (op.decision?.decision === "ask") return "waited for approval";
  return op.decision?.decision === "deny" ? `refused: ${op.decision.message}` : "";
}
