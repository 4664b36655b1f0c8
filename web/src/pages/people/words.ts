// What the people pages say in more than one place.
import type { Schemas } from "@/api/client";
import type { Look } from "../approvals/approval";

export type Principal = Schemas["PrincipalInfo"];
export type Token = Schemas["TokenInfo"];

export const kindOf = (id: string) => id.slice(0, Math.max(id.indexOf(":"), 0));
export const nameOf = (id: string) => id.slice(id.indexOf(":") + 1);

/** Where somebody is known from, in words. */
export function sourceInWords(source: string): string {
  switch (source) {
    case "declared":
      return "a file";
    case "owner":
      return "made by its owner";
    case "local":
      return "the gateway's own host";
    default:
      return `identity provider ${source}`;
  }
}

export function tokenState(token: Token, nowMs: number): Look {
  if (token.revoked) return { label: "revoked", color: "red" };
  if (token.expires / 1000 <= nowMs) return { label: "expired", color: "gray" };
  // Neither ended nor of use: its principal, owner or sign-in is off.
  return token.valid ? { label: "valid", color: "green" } : { label: "off", color: "gray" };
}

/** Those that hold all the words that were typed, wherever they stand. */
export function matching<Row>(
  rows: Row[] | undefined,
  typed: string | undefined,
  texts: (row: Row) => (string | null | undefined)[],
): Row[] | undefined {
  const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return rows?.filter((row) => {
    const all = texts(row).join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

export interface Issuer {
  issuer: string;
  preset: string;
  audiences: string[];
  rules: { when: string; service: string; groups: string[] }[];
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const texts = (value: unknown) => (Array.isArray(value) ? value.map(text).filter(Boolean) : []);

/** A trusted issuer as its file says it; the description of the API leaves the shape open. */
export function issuerOf(body: unknown): Issuer {
  const said = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const rules = Array.isArray(said.rules) ? said.rules : [];
  return {
    issuer: text(said.issuer),
    preset: text(said.preset),
    audiences: texts(said.audiences),
    rules: rules.map((rule: Record<string, unknown>) => ({
      when: text(rule?.when),
      service: text(rule?.service),
      groups: texts(rule?.groups),
    })),
  };
}
