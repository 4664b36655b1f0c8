// Principals by the names that people type: `ada` for `user:ada`.
import { nameOf } from "@/ui/principal";
import { useMe } from "./me";
import { useApi } from "./query";

const NONE: string[] = [];

/** Every principal, for administrators; nobody else may list them. */
export function usePrincipals(): string[] {
  const { admin } = useMe();
  const { data } = useApi("/v1/principals", {}, { enabled: admin });
  return data?.principals.map((p) => p.principal) ?? NONE;
}

/** The principal that a typed name means: the only one that fits, else a user. */
export function meant(typed: string, known: string[]): string {
  const name = typed.trim();
  if (name === "" || name.includes(":")) return name;
  const [one, another] = known.filter((p) => lowered(p) === name.toLowerCase());
  return one && !another ? one : `user:${name}`;
}

/** Whom somebody may have meant by a name that is nobody's. */
export function perhaps(typed: string, known: string[]): string[] {
  const name = typed.trim().toLowerCase();
  if (name === "" || known.includes(name)) return [];
  const [same, alike] = [
    (p: string) => lowered(p) === lowered(name),
    (p: string) => p.toLowerCase().includes(name),
  ];
  const found = known.filter(same);
  return (found.length > 0 ? found : known.filter(alike)).slice(0, 3);
}

const lowered = (principal: string) => nameOf(principal).toLowerCase();
