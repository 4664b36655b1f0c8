// Reads a record for a page: what has come so far, and how the reading goes.
import { useCallback, useEffect, useState } from "react";
import { type ApiError, asApiError } from "@/api/client";
import { readEvents } from "./read";
import { SessionRecord } from "./record";

// Events come by the thousand; the page is drawn anew at most this often.
const DRAW_MS = 120;

export type ReadState = "reading" | "following" | "whole" | "broken";

export interface Read {
  record: SessionRecord;
  state: ReadState;
  error: ApiError | null;
  /** Changes whenever the record does. */
  version: number;
  again: () => void;
}

type Snapshot = Omit<Read, "again">;

const nothing = (): Snapshot => ({
  record: new SessionRecord(),
  state: "reading",
  error: null,
  version: 0,
});

export function useRecord(session: string, follow: boolean): Read {
  const [attempt, setAttempt] = useState(0);
  const [snapshot, setSnapshot] = useState(nothing);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is a reason to read again.
  useEffect(() => {
    const stop = new AbortController();
    const record = new SessionRecord();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (state: ReadState, error: ApiError | null = null) => {
      clearTimeout(timer);
      timer = undefined;
      if (stop.signal.aborted) return;
      setSnapshot((old) => ({ record, state, error, version: old.version + 1 }));
    };
    const running = follow ? "following" : "reading";
    show(running);
    readEvents(session, {
      follow,
      signal: stop.signal,
      onEvent: (event, size) => {
        timer ??= setTimeout(show, DRAW_MS, running);
        return record.add(event, size);
      },
    }).then(
      () => show("whole"),
      (error) => show("broken", asApiError(error)),
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [session, follow, attempt]);

  const again = useCallback(() => setAttempt((n) => n + 1), []);
  return { ...snapshot, again };
}

/** Reads a record once more, with the content of one operation alone or, without a number, of all of them. */
export async function readAgain(session: string, only?: number): Promise<SessionRecord> {
  const everything = { content: Number.POSITIVE_INFINITY, operations: Number.POSITIVE_INFINITY };
  const record = new SessionRecord(everything, only);
  await readEvents(session, {
    signal: new AbortController().signal,
    onEvent: (event, size) => {
      const more = record.add(event, size);
      return more && (only === undefined || !record.get(only)?.answered);
    },
  });
  return record;
}
