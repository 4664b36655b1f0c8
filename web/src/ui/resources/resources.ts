// Resources as the gateway holds them, and the files that they go into.
import type { Schemas } from "@/api/client";
import { useApi } from "@/api/query";
import { type Fields, isFields, print } from "./yaml";

export type Resource = Schemas["ResourceInfo"];

/** All resources of a kind, by name. */
export function useResources(kind: string) {
  const query = useApi("/v1/resources");
  return { query, resources: query.data?.resources.filter((r) => r.kind === kind) };
}

/** What a resource says, without its kind. */
export function bodyOf(resource: Resource): Fields {
  const body: unknown = resource.body;
  return isFields(body) ? body : {};
}

/** A resource as the text of a file: a policy file as it is, everything else as YAML. */
export function textOf(resource: Resource): string {
  const body: unknown = resource.body;
  return typeof body === "string" ? body : print(resource.kind, bodyOf(resource));
}

const FOLDERS: Record<string, string> = {
  Connection: "connections",
  DataClass: "data-classes",
  PolicyTest: "policy-tests",
  IdentityProvider: "identity-providers",
  Notifier: "notifiers",
};

/** The file that a resource goes into: the one that it came from, or one of its own. */
export function fileOf(kind: string, name: string, existing?: Resource): string {
  if (existing && /\.ya?ml$/.test(existing.source)) return existing.source;
  // A name that cannot be one is told of by the check; it must not become a path meanwhile.
  const base = /^[\w.@+-]+$/.test(name) ? name : "new";
  return `${FOLDERS[kind] ?? "resources"}/${base}.yaml`;
}
