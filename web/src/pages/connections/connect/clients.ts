// The clients of each protocol, and the command that works for all of them.
import { HTTP } from "./http";
import { POSTGRES } from "./postgres";
import { shellWord } from "./quote";
import type { Reach } from "./reach";
import type { Client } from "./snippet";

const OF_PROTOCOL: Record<string, { program: string; clients: Client[] }> = {
  postgres: { program: "psql", clients: POSTGRES },
  http: { program: "curl", clients: HTTP },
};

/** `sluice connect shop -- psql`. */
export function sluiceConnect(reach: Reach, chosen: boolean): string {
  const { protocol, name, database } = reach;
  const account = chosen ? ` --account ${shellWord(reach.account)}` : "";
  const wanted = shellWord(protocol === "postgres" ? database : name);
  const run =
    protocol === "http" ? `sh -c 'curl --oauth2-bearer "$SERVICE_TOKEN" "$SERVICE_URL/"'` : null;
  const program = OF_PROTOCOL[protocol]?.program;
  return [
    `sluice connect ${wanted}${account}${program ? ` -- ${run ?? program}` : ""}`,
    `sluice connect ${wanted}${account}    # only prints what to set`,
    "",
  ].join("\n");
}

export function clientsOf(protocol: string): Client[] {
  const own: Client = {
    id: "sluice",
    name: "sluice",
    note: "The easiest way: makes a short token for you and runs your client with everything set. It needs no file and no password.",
    snippets: (reach) => [{ code: sluiceConnect(reach, false) }],
  };
  return [own, ...(OF_PROTOCOL[protocol]?.clients ?? [])];
}
