// Plays a record: goes from one entry to the next in the time that lay between them.
import { useEffect, useState } from "react";
import { SPEEDS, type Speed, waitMs } from "./pace";

export interface Play {
  playing: boolean;
  speed: Speed;
  skipIdle: boolean;
  setPlaying: (on: boolean) => void;
  setSpeed: (speed: Speed) => void;
  setSkipIdle: (on: boolean) => void;
}

interface Times {
  /** Of the entry that is shown, in microseconds. */
  at: number | undefined;
  /** Of the one after it; undefined at the end. */
  after: number | undefined;
}

export function usePlay({ at, after }: Times, advance: () => void): Play {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(SPEEDS[0]);
  const [skipIdle, setSkipIdle] = useState(true);
  useEffect(() => {
    if (!playing) return;
    if (at === undefined || after === undefined) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(advance, waitMs(at, after, speed, skipIdle));
    return () => clearTimeout(timer);
  }, [playing, at, after, speed, skipIdle, advance]);
  return { playing, speed, skipIdle, setPlaying, setSpeed, setSkipIdle };
}
