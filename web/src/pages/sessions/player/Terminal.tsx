// Plays a terminal recording. The player is loaded when it is needed; this file is its only importer.
import "asciinema-player/dist/bundle/asciinema-player.css";
import { create, type Player } from "asciinema-player";
import { useEffect, useRef } from "react";
import { type Cast, type CastEvent, sameMoment } from "./cast";
import classes from "./player.module.css";

export interface Jump {
  /** In seconds. */
  at: number;
}

interface TerminalProps {
  cast: Cast;
  /** The events of it as they are to be played. */
  events: CastEvent[];
  speed: number;
  /** Goes there; a new object each time. */
  jump: Jump | null;
}

export default function Terminal({ cast, events, speed, jump }: TerminalProps) {
  const host = useRef<HTMLDivElement>(null);
  const player = useRef<Player>(null);
  // The speed is fixed when a player is made, so another one takes over where this one was.
  const left = useRef({ at: 0, playing: false, events });

  useEffect(() => {
    if (!host.current) return;
    const { at, playing, events: before } = left.current;
    const state = { at, playing, events };
    left.current = state;
    const data = [{ version: 2, width: cast.columns, height: cast.rows }, ...events];
    const startAt = before === events ? at : sameMoment(at, before, events);
    const made = create({ data }, host.current, {
      speed,
      idleTimeLimit: Number.POSITIVE_INFINITY,
      startAt,
      autoPlay: playing,
      preload: true,
      fit: "both",
      controls: true,
      terminalFontFamily: "var(--mantine-font-family-monospace)",
    });
    made.addEventListener("playing", () => {
      state.playing = true;
    });
    for (const stop of ["pause", "ended"] as const) {
      made.addEventListener(stop, () => {
        state.playing = false;
      });
    }
    // A player that stands still draws nothing until it is told to.
    if (startAt > 0 && !playing) void made.seek(startAt);
    player.current = made;
    return () => {
      state.at = made.getCurrentTime();
      made.dispose();
      player.current = null;
    };
  }, [cast, events, speed]);

  useEffect(() => {
    if (jump) void player.current?.seek(jump.at);
  }, [jump]);

  return <div ref={host} className={classes.terminal} />;
}
