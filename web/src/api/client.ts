// The API client: typed by the gateway's own description, with errors as one type.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";
import { noteSignedIn, noteSignedOut } from "./signIn";

export type Schemas = components["schemas"];
type Problem = Schemas["ProblemInfo"];

/** What the gateway, or the way to it, said instead of an answer. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    /** The HTTP status; 0 when there was no answer at all. */
    readonly status: number,
    message: string,
    /** What to do next. */
    readonly hint?: string,
    /** What is wrong with the files that were sent, one by one. */
    readonly problems: Problem[] = [],
  ) {
    super(message);
  }

  /** Whether the same request may well succeed a moment later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500;
  }

  /** Whether no answer of the gateway came: what was sent may have reached it all the same. */
  get unanswered(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }
}

const READING = "check your network; the console tries again by itself";
// Nothing is sent twice by itself, and nobody knows on which way it was lost.
const WRITING =
  "it is not known whether this was done, and it is not sent again by itself: once the connection is back, look how it stands, and press again if nothing came of it";

export function asApiError(error: unknown, writes = false): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) {
    // This is how fetch says that nothing answered.
    return new ApiError(0, "the gateway cannot be reached", writes ? WRITING : READING);
  }
  return new ApiError(0, error instanceof Error ? error.message : String(error));
}

/** Reads `{error, hint, problems}`; copes with answers of something in between. */
export async function readError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || !("error" in body)) {
    return new ApiError(response.status, `the gateway answered with status ${response.status}`);
  }
  const { error, hint, problems } = body as Schemas["ErrorBody"];
  return new ApiError(response.status, String(error), hint ?? undefined, problems ?? []);
}

const errors: Middleware = {
  async onResponse({ response }) {
    if (response.status === 401 && noteSignedOut()) return new Promise<never>(() => {});
    if (!response.ok) throw await readError(response);
    noteSignedIn();
    return undefined;
  },
};

export const client = createClient<paths>({ credentials: "same-origin" });
client.use(errors);
