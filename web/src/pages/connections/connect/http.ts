// How the usual clients of HTTP services are told to ask through the gateway.
import { quoted, shellWord } from "./quote";
import type { Reach } from "./reach";
import { type Client, file, shell } from "./snippet";

const SECRET = '"$SLUICE_TOKEN"';

/** The header that names an account; none where there is only one, which is taken then. */
function accountOf({ account, accounts }: Reach): string | null {
  return accounts.length > 1 ? account : null;
}

function curl(reach: Reach): string {
  const account = accountOf(reach);
  const trust = reach.authority ? ` --cacert ${shellWord(reach.authority)}` : "";
  const header = account == null ? "" : ` --header ${shellWord(`Sluice-Account: ${account}`)}`;
  return `curl${trust}${header} --oauth2-bearer ${SECRET} ${shellWord(`${reach.url}/`)}`;
}

function httpie(reach: Reach): string {
  const account = accountOf(reach);
  const trust = reach.authority ? ` --verify ${shellWord(reach.authority)}` : "";
  const header = account == null ? "" : ` ${shellWord(`Sluice-Account:${account}`)}`;
  // In scripts it would send what it finds on its input otherwise, with another method.
  return `https --ignore-stdin${trust} -A bearer -a ${SECRET} ${shellWord(`${reach.url}/`)}${header}`;
}

function requests(reach: Reach): string {
  const account = accountOf(reach);
  const header = account == null ? "" : `\n        "Sluice-Account": ${quoted(account)},`;
  // Said with the request: what a session is told gives way to REQUESTS_CA_BUNDLE.
  const verify = reach.authority ? `\n    verify=${quoted(reach.authority)},` : "";
  return `import os
import requests

answer = requests.get(
    ${quoted(`${reach.url}/`)},
    headers={
        "Authorization": f"Bearer {os.environ['SLUICE_TOKEN']}",${header}
    },${verify}
)
print(answer.status_code, answer.text)
`;
}

function httpx(reach: Reach): string {
  const account = accountOf(reach);
  const header = account == null ? "" : `\n        "Sluice-Account": ${quoted(account)},`;
  const verify = reach.authority
    ? `\n    verify=ssl.create_default_context(cafile=${quoted(reach.authority)}),`
    : "";
  return `import os
${reach.authority ? "import ssl\n" : ""}import httpx

answer = httpx.get(
    ${quoted(`${reach.url}/`)},
    headers={
        "Authorization": f"Bearer {os.environ['SLUICE_TOKEN']}",${header}
    },${verify}
)
print(answer.status_code, answer.text)
`;
}

function node(reach: Reach): string {
  const account = accountOf(reach);
  const header = account == null ? "" : `\n    "sluice-account": ${quoted(account)},`;
  return `const answer = await fetch(${quoted(`${reach.url}/`)}, {
  headers: {
    authorization: \`Bearer \${process.env.SLUICE_TOKEN}\`,${header}
  },
});
console.log(answer.status, await answer.text());
`;
}

export const HTTP: Client[] = [
  {
    id: "curl",
    name: "curl",
    note: "Paths of the service follow the address. A Sluice-Account header names the account where there are several.",
    snippets: (reach) => [{ code: `${curl(reach)}\n` }],
  },
  {
    id: "browser",
    name: "Browser",
    note: ({ authority, site }) =>
      [
        "You are sent to sign in and come back.",
        site ? "" : "Browsers are let in at this address only if the connection has shared_origin.",
        authority ? `Your browser has to trust ${authority}: import it as an authority.` : "",
      ]
        .filter(Boolean)
        .join(" "),
    snippets: ({ site, url }) => [{ code: `${site ?? url}/` }],
  },
  {
    id: "httpie",
    name: "HTTPie",
    note: "With HTTPie 3: the package is called httpie, and its command for this https.",
    snippets: (reach) => [{ code: `${httpie(reach)}\n` }],
  },
  {
    id: "python",
    name: "Python",
    note: ({ authority }) =>
      authority
        ? "With requests, or with httpx."
        : "With requests, or with httpx. Both trust public authorities by a list of their own: for one of your company's, set REQUESTS_CA_BUNDLE (requests) or SSL_CERT_FILE (httpx) to its file.",
    snippets: (reach) => [
      shell("once", "python3 -m venv venv && venv/bin/pip install requests httpx"),
      file("ask.py", requests(reach)),
      shell("run it", "venv/bin/python ask.py"),
      file("ask_httpx.py", httpx(reach)),
      shell("run that", "venv/bin/python ask_httpx.py"),
    ],
  },
  {
    id: "node",
    name: "Node",
    note: ({ authority }) =>
      authority
        ? "Node reads NODE_EXTRA_CA_CERTS only when it starts."
        : "Node trusts public authorities by a list of its own: for one of your company's, set NODE_EXTRA_CA_CERTS to its file.",
    snippets: (reach) => [
      file("ask.mjs", node(reach)),
      shell(
        "run it",
        reach.authority
          ? `NODE_EXTRA_CA_CERTS=${shellWord(reach.authority)} node ask.mjs`
          : "node ask.mjs",
      ),
    ],
  },
];
