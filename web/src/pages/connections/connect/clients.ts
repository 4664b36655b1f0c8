// The clients of each protocol, and the command that works for all of them.
import { HTTP } from "./http";
import { POSTGRES } from "./postgres";
import { shellWord } from "./quote";
import type { Reach } from "./reach";
import { type Client, shell } from "./snippet";

const OF_PROTOCOL: Record<string, { run: string; clients: Client[] }> = {
  postgres: { run: "psql", clients: POSTGRES },
  http: {
    // The variables are there only for what is run, so that a shell of its own has to put them in.
    run: `sh -c 'curl --oauth2-bearer "$SERVICE_TOKEN" --header "Sluice-Account: $SERVICE_ACCOUNT" "$SERVICE_URL/"'`,
    clients: HTTP,
  },
};

/** `SLUICE_CA=sluice-ca.pem sluice login --url https://gateway.example.com:8443`. */
export function sluiceLogin({ authority, console }: Reach): string {
  const trust = authority ? `SLUICE_CA=${shellWord(authority)} ` : "";
  return `${trust}sluice login --url ${shellWord(console)}`;
}

/** `sluice connect shop`. */
export function sluiceConnect(reach: Reach): string {
  const { protocol, name, database, account, accounts } = reach;
  const wanted = shellWord(protocol === "postgres" ? database : name);
  // Without a name it takes the first.
  return `sluice connect ${wanted}${account === accounts[0] ? "" : ` --account ${shellWord(account)}`}`;
}

export function clientsOf(protocol: string): Client[] {
  const run = OF_PROTOCOL[protocol]?.run;
  const own: Client = {
    id: "sluice",
    name: "sluice",
    note: "The easiest way: the gateway's own program makes a short token for you and runs your client with everything set.",
    snippets: (reach) => [
      shell("once, to sign in", sluiceLogin(reach)),
      ...(run ? [shell("run a client", `${sluiceConnect(reach)} -- ${run}`)] : []),
      shell("see what to set", sluiceConnect(reach)),
    ],
  };
  return [own, ...(OF_PROTOCOL[protocol]?.clients ?? [])];
}
