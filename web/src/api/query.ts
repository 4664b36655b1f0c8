// Reading and changing through the API, typed by path. Queries are keyed by topic first, for live events.
import {
  keepPreviousData,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type ApiError, asApiError, client } from "./client";
import type { paths } from "./schema";
import { type Topic, topicOf } from "./topics";

type Method = "get" | "post" | "put" | "patch" | "delete";
type Having<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M & keyof paths[P]]>;

type ParamsOf<O> = O extends { parameters: infer A }
  ? Pick<A, Extract<keyof A, "path" | "query">>
  : object;
// Without a body the description says `requestBody?: never`, which would match anything.
type BodyOf<O> = O extends { requestBody?: infer R }
  ? [NonNullable<R>] extends [never]
    ? never
    : NonNullable<R> extends { content: { "application/json": infer B } }
      ? B
      : never
  : never;
type Success = 200 | 201 | 202;
type AnswerOf<O> = O extends { responses: infer R }
  ? R[Success & keyof R] extends { content: { "application/json": infer A } }
    ? A
    : undefined
  : never;

/** The answer of a GET: `Answer<"/v1/sessions">`. */
export type Answer<P extends Having<"get">> = AnswerOf<Operation<P, "get">>;

export interface ApiOptions {
  /** Not asked while false. */
  enabled?: boolean;
  /** Lists: keep showing the last page while the next one loads. Never for one thing by its id. */
  keep?: boolean;
  /** Also ask this often, for what no event tells of. */
  refetchInterval?: number;
}

type Args<P, O> = object extends P ? [params?: P, options?: O] : [params: P, options?: O];

type Loose = (
  method: string,
  path: string,
  init: { params?: unknown; body?: unknown; signal?: AbortSignal },
) => Promise<{ data?: unknown }>;
// The signatures below carry the types; what is between them and fetch need not.
const request = client.request as unknown as Loose;

async function ask(...args: Parameters<Loose>): Promise<unknown> {
  try {
    // A query may not answer undefined, so "no body" is null.
    return (await request(...args)).data ?? null;
  } catch (error) {
    throw asApiError(error, args[0] !== "get");
  }
}

export function queryKey(path: Having<"get">, params: unknown = {}) {
  return [topicOf(path), path, params] as const;
}

/** `const sessions = useApi("/v1/sessions", { query: { live: true } }, { keep: true });` */
export function useApi<P extends Having<"get">>(
  path: P,
  ...[params, options]: Args<ParamsOf<Operation<P, "get">>, ApiOptions>
): UseQueryResult<Answer<P>, ApiError> {
  return useQuery<Answer<P>, ApiError>({
    queryKey: queryKey(path, params),
    queryFn: ({ signal }) => ask("get", path, { params, signal }) as Promise<Answer<P>>,
    enabled: options?.enabled,
    refetchInterval: options?.refetchInterval,
    placeholderData: options?.keep ? (keepPreviousData as never) : undefined,
  });
}

type Sent<O> = { params?: ParamsOf<O> } & ([BodyOf<O>] extends [never]
  ? { body?: undefined }
  : { body: BodyOf<O> });

export interface SendOptions {
  /** Topics to refresh besides the path's own. */
  also?: Topic[];
  /** Show the error in place instead of as a notice. */
  quiet?: boolean;
}

/** `const kill = useSend("post", "/v1/sessions/{id}/kill"); kill.mutate({ params: { path: { id } }, body: {} });` */
export function useSend<M extends Exclude<Method, "get">, P extends Having<M>>(
  method: M,
  path: P,
  { also = [], quiet }: SendOptions = {},
): UseMutationResult<AnswerOf<Operation<P, M>>, ApiError, Sent<Operation<P, M>>> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (sent) => ask(method, path, sent) as Promise<AnswerOf<Operation<P, M>>>,
    meta: { quiet },
    onSuccess: () =>
      Promise.all(
        [topicOf(path), ...also].map((t) => queries.invalidateQueries({ queryKey: [t] })),
      ),
  });
}
