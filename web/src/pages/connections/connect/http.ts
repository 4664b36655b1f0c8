// How the usual clients of HTTP services are told to ask through the gateway.
import { quoted, shellWord } from "./quote";
import type { Reach } from "./reach";
import type { Client } from "./snippet";

const SECRET = '"$SLUICE_TOKEN"';

function curl({ url, authority }: Reach): string {
  const trust = authority ? ` --cacert ${shellWord(authority)}` : "";
  return `curl${trust} --oauth2-bearer ${SECRET} ${shellWord(`${url}/`)}\n`;
}

function httpie({ url, authority }: Reach): string {
  const trust = authority ? ` --verify ${shellWord(authority)}` : "";
  return `https${trust} -A bearer -a ${SECRET} ${shellWord(`${url}/`)}\n`;
}

function python({ url, authority, account }: Reach): string {
  const verify = authority ? `session.verify = ${quoted(authority)}\n` : "";
  return `import os
import requests

session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['SLUICE_TOKEN']}"
session.headers["Sluice-Account"] = ${quoted(account)}
${verify}print(session.get(${quoted(`${url}/`)}).status_code)
`;
}

function node({ url, account }: Reach): string {
  return `const answer = await fetch(${quoted(`${url}/`)}, {
  headers: {
    authorization: \`Bearer \${process.env.SLUICE_TOKEN}\`,
    "sluice-account": ${quoted(account)},
  },
});
`;
}

export const HTTP: Client[] = [
  {
    id: "curl",
    name: "curl",
    note: "The account is the default one unless a Sluice-Account header names another.",
    snippets: (reach) => [
      { code: curl(reach) },
      {
        title: "with an account of your choice",
        code: curl(reach).replace(
          "--oauth2-bearer",
          `--header ${shellWord(`Sluice-Account: ${reach.account}`)} --oauth2-bearer`,
        ),
      },
    ],
  },
  {
    id: "browser",
    name: "Browser",
    note: "You are sent to sign in and come back. Where the gateway names services by host, use that address instead: below a shared address, browsers are let in only with shared_origin.",
    snippets: ({ url }) => [{ code: `${url}/` }],
  },
  {
    id: "httpie",
    name: "HTTPie",
    note: "The token is read from SLUICE_TOKEN.",
    snippets: (reach) => [{ code: httpie(reach) }],
  },
  {
    id: "python",
    name: "Python",
    note: "With requests; httpx takes the same.",
    snippets: (reach) => [{ code: python(reach) }],
  },
  {
    id: "node",
    name: "Node",
    note: (reach) =>
      reach.authority
        ? `Start Node with NODE_EXTRA_CA_CERTS=${reach.authority}, so that it trusts the gateway.`
        : "Node trusts the gateway's certificate by itself.",
    snippets: (reach) => [{ code: node(reach) }],
  },
];
