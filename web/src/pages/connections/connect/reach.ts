// Where a connection is reached, as a client has to be told.
import type { Answer } from "@/api/query";
import { addressHost } from "./quote";

type List = Answer<"/v1/connections">;
export type Connection = List["connections"][number];

export interface Reach {
  protocol: string;
  name: string;
  host: string;
  port: string;
  /** The connection, or connection/database. */
  database: string;
  account: string;
  /** All that there are, the one first that is taken where none is named. */
  accounts: string[];
  /** The file with the gateway's own authority; null where systems trust the gateway's certificate anyway. */
  authority: string | null;
  /** Of services: where they begin. Ends without a slash. */
  url: string;
  /** Of services: where they have an origin of their own, as browsers need it. Ends without a slash. */
  site: string | null;
  /** The gateway's own address, where people sign in. */
  console: string;
}

export const AUTHORITY_FILE = "sluice-ca.pem";
const EVERYWHERE = ["0.0.0.0", "::"];

export interface Choice {
  account?: string;
  /** Another database than the usual one. */
  database?: string;
}

/** Where the console is: `location`, or a URL. */
export type Here = Pick<URL, "hostname" | "origin">;

/** Null where the gateway does not listen for the protocol. */
export function reach(list: List, info: Connection, here: Here, choice: Choice): Reach | null {
  const listen = info.listen ?? list.listen[info.protocol];
  if (!listen) return null;
  const { host, port } = address(listen, here.hostname);
  const origin = `https://${addressHost(host)}:${port}`;
  // A listener of its own leads to the one connection, so that no path has to name it.
  const path = info.listen ? "" : `/c/${encodeURIComponent(info.name)}`;
  const other = choice.database?.trim();
  return {
    protocol: info.protocol,
    name: info.name,
    host,
    port,
    database: other && other !== info.database ? `${info.name}/${other}` : info.name,
    account: choice.account || info.accounts[0] || "",
    accounts: info.accounts,
    authority: list.ca_pem ? AUTHORITY_FILE : null,
    url: `${origin}${path}`,
    site: info.listen ? origin : info.host ? `https://${info.host}:${port}` : null,
    console: here.origin,
  };
}

/** A listener on all addresses is reached where the console is. */
export function address(listen: string, here: string): { host: string; port: string } {
  const at = listen.lastIndexOf(":");
  const bare = (host: string) => host.replace(/^\[|\]$/g, "");
  const host = bare(listen.slice(0, at));
  return { host: EVERYWHERE.includes(host) ? bare(here) : host, port: listen.slice(at + 1) };
}
