// Reads the events of a session from the gateway, one after the other, also while they are still being recorded.
import { ApiError, client } from "@/api/client";
import type { RecordedEvent } from "./events";
import { Lines } from "./lines";

export interface Reading {
  /** Go on with what is recorded from now on, until the session ends. */
  follow?: boolean;
  signal: AbortSignal;
  /** `size` is the length of the event's line. False stops the reading. */
  onEvent: (event: RecordedEvent, size: number) => boolean;
}

/** Ends when the record does, or is stopped. Throws where the record cannot be read to its end. */
export async function readEvents(session: string, reading: Reading): Promise<void> {
  const { data } = await client.GET("/v1/sessions/{id}/replay", {
    params: { path: { id: session }, query: reading.follow ? { follow: true } : {} },
    parseAs: "stream",
    signal: reading.signal,
  });
  // The description calls the answer a text; read as a stream it is none.
  const stream = data as unknown as ReadableStream<Uint8Array> | undefined;
  if (!stream) throw new ApiError(0, "the gateway sent no record");
  await readStream(stream, reading.onEvent);
}

/** The part that knows nothing of the gateway. */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  onEvent: Reading["onEvent"],
): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  const take = (whole: string[]) => whole.every((line) => onEvent(parse(line), line.length));
  for (;;) {
    const { done, value } = await reader.read().catch(stopped);
    if (done) break;
    if (!take(lines.push(decoder.decode(value, { stream: true })))) {
      await reader.cancel();
      return;
    }
  }
  take([...lines.push(decoder.decode()), ...lines.end()]);
}

/** The gateway breaks its answer off where a record cannot be read on, so that it is not taken for whole. */
function stopped(): never {
  throw new ApiError(
    0,
    "the record stopped coming before its end",
    "try again; if it stops at the same place, verify the session",
  );
}

function parse(line: string): RecordedEvent {
  try {
    return JSON.parse(line) as RecordedEvent;
  } catch {
    throw new ApiError(
      0,
      "the record stops in the middle of an event",
      "verify the session: that says what is wrong with its record",
    );
  }
}
