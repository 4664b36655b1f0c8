// A time: how long ago, with the exact time on hover and on a tap; or the other way round.
import { Tooltip } from "@mantine/core";
import { exact, relative, utc } from "./time";
import classes from "./ui.module.css";
import { useExactTimes } from "./useExactTimes";
import { useNow } from "./useNow";

interface TimestampProps {
  /** Microseconds since the epoch. */
  at: number;
  /** Show the exact time, and how long ago on hover. */
  exactly?: boolean;
}

export function Timestamp({ at, exactly: always = false }: TimestampProps) {
  const [chosen] = useExactTimes();
  const exactly = always || chosen;
  const ago = relative(at, useNow());
  const label = (
    <>
      {exactly ? ago : exact(at)}
      <br />
      {utc(at)}
    </>
  );
  return (
    <Tooltip label={label}>
      <time
        dateTime={new Date(at / 1000).toISOString()}
        className={exactly ? undefined : classes.time}
      >
        {exactly ? exact(at) : ago}
      </time>
    </Tooltip>
  );
}
