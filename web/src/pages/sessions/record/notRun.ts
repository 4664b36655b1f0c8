// Held operations that never ran, which is no error: how their wait ended, in words.
import type { Operation } from "./record";

const ENDS: Record<string, string> = {
  denied: "Denied",
  expired: "Nobody decided in time",
  "timed out": "Nobody decided in time",
  cancelled: "The client gave up before anybody decided",
  "the client left": "The client left before anybody decided",
  ended: "The session ended before anybody decided",
};

// The policies can let it in meanwhile, without anybody's consent.
const GOES_ON = ["approved", "not needed any more"];

/** How the wait of an operation ended that never ran because of it; null for all others. */
export function notRun({ hold, answered }: Operation): string | null {
  const how = hold?.ended?.how;
  if (how === undefined || GOES_ON.includes(how)) return null;
  if (answered && !("cut" in answered.outcome)) return null;
  return ENDS[how] ?? `It does not wait any more: ${how}`;
}
