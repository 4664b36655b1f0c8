// How near the end of the gateway's certificate is.

const DAY_MICROS = 86_400_000_000;
const WARN_DAYS = 30;

export interface Standing {
  days: number;
  state: "good" | "soon" | "over";
}

export function standing(endsMicros: number, nowMs: number): Standing {
  const left = endsMicros - nowMs * 1000;
  const days = Math.floor(left / DAY_MICROS);
  return { days, state: left <= 0 ? "over" : days < WARN_DAYS ? "soon" : "good" };
}
