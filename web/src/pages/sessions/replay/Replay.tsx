// The replay of a record: what happened at the left, the one thing that is looked at beside it.
import { Alert, Button, Skeleton, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconAlertTriangle, IconArrowLeft } from "@tabler/icons-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { counted } from "@/ui/numbers";
import { EmptyState, ErrorState } from "@/ui/states";
import { next, type Shown, wanted } from "../record/find";
import { type Entry, LIMITS } from "../record/record";
import type { Read, ReadState } from "../record/useRecord";
import { EntryList } from "./EntryList";
import { EntryView } from "./EntryView";
import classes from "./replay.module.css";
import { NEXT_OF, Toolbar } from "./Toolbar";
import { useKeys } from "./useKeys";
import { usePlay } from "./usePlay";

const PHONE = "(max-width: 62em)";

interface ReplayProps {
  session: string;
  read: Read;
}

export function Replay({ session, read }: ReplayProps) {
  const { record, state, error, version } = read;
  const [show, setShow] = useState<Shown>();
  const [text, setText] = useState("");
  const sought = useDeferredValue(text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for what the record holds.
  const entries = useMemo(
    () => wanted(record.entries, show, sought),
    [record, version, show, sought],
  );
  const chosen = useChosen(entries, state);
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const { go } = chosen;
  const move = useCallback(
    (step: 1 | -1, test: (entry: Entry) => boolean = () => true) =>
      go(next(entries, chosen.at, step, test)),
    [entries, chosen.at, go],
  );
  const advance = useCallback(() => move(1), [move]);
  const play = usePlay({ at: entries[chosen.at]?.at, after: entries[chosen.at + 1]?.at }, advance);
  const toGap = () => {
    const isGap = (entry: Entry) => entry.kind === "gap";
    const after = next(entries, chosen.at, 1, isGap);
    go(after >= 0 ? after : next(entries, -1, 1, isGap));
  };
  const search = useRef<HTMLInputElement>(null);
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...Object.fromEntries(
      NEXT_OF.flatMap(({ key, test }) => [
        [key, () => move(1, test)],
        [key.toUpperCase(), () => move(-1, test)],
      ]),
    ),
    " ": () => play.setPlaying(!play.playing),
    f: () => search.current?.focus(),
  });

  if (state === "broken" && record.events === 0) {
    return <ErrorState error={error} retry={read.again} />;
  }
  const entry = entries[chosen.at];
  const onlyDetail = phone && chosen.named && entry;
  return (
    <>
      <Notices read={read} toGap={toGap} />
      <Toolbar
        search={search}
        text={text}
        onText={setText}
        show={show}
        onShow={setShow}
        found={entries.length}
        all={record.entries.length}
        reading={state === "reading"}
        again={state === "whole" && !record.closed ? read.again : undefined}
        move={move}
        jump={(op) => go(entries.findIndex((e) => e.key === op))}
        play={play}
      />
      {entries.length === 0 && state !== "reading" ? (
        <Nothing following={state === "following"} filtered={Boolean(show || text)} />
      ) : (
        <div className={classes.panes}>
          {!onlyDetail && (
            <EntryList
              entries={entries}
              at={chosen.at}
              start={record.opened?.at ?? entries[0]?.at ?? 0}
              protocol={record.opened?.protocol}
              onChoose={go}
            />
          )}
          {!phone && !entry && <Skeleton height={240} />}
          {(!phone || onlyDetail) && entry && (
            <div className={classes.detail} ref={onlyDetail ? bringUp : undefined}>
              {onlyDetail && (
                <Button
                  variant="subtle"
                  leftSection={<IconArrowLeft size={14} aria-hidden />}
                  onClick={chosen.leave}
                  mb="xs"
                >
                  All operations
                </Button>
              )}
              <EntryView key={entry.key} entry={entry} session={session} opened={record.opened} />
            </div>
          )}
        </div>
      )}
    </>
  );
}

/** On a phone what is looked at comes to the top, over all that is told of the session. */
function bringUp(detail: HTMLElement | null) {
  detail?.scrollIntoView();
}

/** Which entry is looked at: the one in the address or, without one, the first; while following, the last. */
function useChosen(entries: Entry[], state: ReadState) {
  const following = state === "following";
  const [query, setQuery] = useSearchParams();
  const name = query.get("op");
  const found = name === null ? -1 : entries.findIndex((e) => e.key === name);
  // One that is named may still be to come.
  const other = following ? entries.length - 1 : state === "reading" && name !== null ? -1 : 0;
  const at = found >= 0 ? found : other;
  const set = useCallback(
    (key: string | null) =>
      setQuery(
        (old) => {
          const changed = new URLSearchParams(old);
          if (key === null) changed.delete("op");
          else changed.set("op", key);
          return changed;
        },
        { replace: true, preventScrollReset: true },
      ),
    [setQuery],
  );
  const go = useCallback(
    (to: number) => {
      const entry = entries[to];
      if (!entry) return;
      // At the end of a live session the page goes on showing what comes.
      set(following && to === entries.length - 1 ? null : entry.key);
    },
    [entries, following, set],
  );
  return { at, named: name !== null, go, leave: useCallback(() => set(null), [set]) };
}

function Nothing({ following, filtered }: { following: boolean; filtered: boolean }) {
  if (filtered) {
    return (
      <EmptyState title="Nothing found in this record" hint="Change the words or the filter." />
    );
  }
  return (
    <EmptyState
      title="Nothing was done in this session"
      hint={following ? "What it does next appears here." : "It was opened, and no operation came."}
    />
  );
}

interface NoticesProps {
  read: Read;
  toGap: () => void;
}

function Notices({ read: { record, state, error, again }, toGap }: NoticesProps) {
  const alert = useRef<HTMLDivElement>(null);
  const broken = state === "broken";
  useEffect(() => {
    if (broken) alert.current?.scrollIntoView({ block: "nearest" });
  }, [broken]);
  return (
    <>
      {broken && (
        <div ref={alert} className={classes.notice}>
          <ErrorState error={error} retry={again} />
        </div>
      )}
      {record.gaps > 0 && (
        <Alert
          color="red"
          className={classes.notice}
          icon={<IconAlertTriangle />}
          title={`Something may be missing: ${counted(record.gaps, "gap")} in this record`}
          p="xs"
        >
          <Button variant="default" onClick={toGap}>
            Show the next gap
          </Button>
        </Alert>
      )}
      {record.cut && (
        <Alert color="yellow" className={classes.notice} title="Only the beginning is shown">
          <Text size="sm">
            The record has more than {counted(LIMITS.operations, "operation")}. Find later ones
            under Operations, or export the events to have all of it.
          </Text>
        </Alert>
      )}
    </>
  );
}
