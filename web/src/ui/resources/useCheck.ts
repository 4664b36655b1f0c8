// Asks the gateway what a change would do and what is wrong with it, a moment after the last key.
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ApiError, asApiError, client, type Schemas } from "@/api/client";
import type { Problem } from "./problems";

export type Change = Schemas["ResourceChange"];

/** What is sent to be applied. */
export interface Sent {
  files: Schemas["SourceFile"][];
  delete?: Schemas["ResourceRef"][];
}

export interface Check {
  /** `old` while what is known is about an earlier text. */
  state: "nothing" | "old" | "good" | "wrong" | "failed";
  changes: Change[];
  problems: Problem[];
  error?: ApiError;
}

const TYPING_MS = 350;
const NOTHING: Check = { state: "nothing", changes: [], problems: [] };

/** Problems are an answer here, not a failure. */
async function ask(sent: Sent, signal: AbortSignal): Promise<Pick<Check, "changes" | "problems">> {
  try {
    const { data } = await client.POST("/v1/resources/diff", { body: sent, signal });
    return { changes: data?.changes ?? [], problems: [] };
  } catch (error) {
    const told = asApiError(error);
    if (told.status === 422) {
      const { message } = told;
      const whole = { file: "", line: 0, column: 0, message };
      return { changes: [], problems: told.problems.length > 0 ? told.problems : [whole] };
    }
    throw told;
  }
}

export function useCheck(sent: Sent | null): Check {
  const text = sent ? JSON.stringify(sent) : "";
  const [settled] = useDebouncedValue(text, TYPING_MS);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ["resources", "check", settled],
    queryFn: ({ signal }) => ask(JSON.parse(settled) as Sent, signal),
    enabled: settled !== "",
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  });
  if (!sent) return NOTHING;
  if (error) return { ...NOTHING, state: "failed", error: asApiError(error) };
  if (!data) return { ...NOTHING, state: "old" };
  const old = isPlaceholderData || settled !== text;
  return { ...data, state: old ? "old" : data.problems.length > 0 ? "wrong" : "good" };
}
