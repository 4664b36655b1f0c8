// How the draft as a whole stands; problems are told by the key of their entry.
import { useMemo } from "react";
import { type Check, useCheck } from "@/ui/resources/useCheck";
import { type Draft, pack } from "./entries";

export function useDraftCheck(draft: Draft): Check {
  const packed = useMemo(() => pack(draft), [draft]);
  const check = useCheck(draft.length > 0 ? packed.sent : null);
  const { problems } = check;
  const home = useMemo(() => problems.map(packed.home), [problems, packed]);
  return { ...check, problems: home };
}
