// The ways in which a target that asks for no user name is told who is there, as data for the form.
import type { Fields } from "@/ui/resources/yaml";

export interface CredentialField {
  name: string;
  label: string;
  kind: "secret" | "text" | "texts";
  optional?: boolean;
  placeholder?: string;
  description?: string;
}

export interface CredentialKind {
  value: string;
  label: string;
  fields: CredentialField[];
}

export const CREDENTIALS: CredentialKind[] = [
  { value: "none", label: "Nothing", fields: [] },
  { value: "basic", label: "User name and password", fields: [] },
  {
    value: "bearer",
    label: "Bearer token",
    fields: [{ name: "token", label: "Token", kind: "secret" }],
  },
  {
    value: "header",
    label: "Header",
    fields: [
      { name: "name", label: "Header", kind: "text", placeholder: "X-API-Key" },
      { name: "prefix", label: "Before the secret", kind: "text", optional: true },
      { name: "value", label: "Secret", kind: "secret" },
    ],
  },
  {
    value: "cookie",
    label: "Cookie",
    fields: [
      { name: "name", label: "Cookie", kind: "text", placeholder: "session" },
      { name: "value", label: "Secret", kind: "secret" },
    ],
  },
  {
    value: "certificate",
    label: "Client certificate",
    fields: [
      { name: "cert_file", label: "Certificate file", kind: "text", placeholder: "client.pem" },
      { name: "key_file", label: "Key file", kind: "text", placeholder: "client.key" },
    ],
  },
  {
    value: "client_credentials",
    label: "OAuth client credentials",
    fields: [
      { name: "token_url", label: "Token address", kind: "text", placeholder: "https://..." },
      { name: "client_id", label: "Client id", kind: "text" },
      { name: "client_secret", label: "Client secret", kind: "secret" },
      { name: "scopes", label: "Scopes", kind: "texts", optional: true },
      { name: "audience", label: "Audience", kind: "text", optional: true },
      { name: "ca_file", label: "CA file of the token address", kind: "text", optional: true },
    ],
  },
  {
    value: "aws",
    label: "AWS signature",
    fields: [
      { name: "access_key_id", label: "Access key id", kind: "secret" },
      { name: "secret_access_key", label: "Secret access key", kind: "secret" },
      { name: "session_token", label: "Session token", kind: "secret", optional: true },
      { name: "region", label: "Region", kind: "text", placeholder: "eu-central-1" },
      { name: "service", label: "Service", kind: "text", placeholder: "s3" },
    ],
  },
];

/** What an account shows its target now. */
export function credentialOf(account: Fields): string {
  const { credential } = account;
  if (credential && typeof credential === "object") {
    const [kind] = Object.keys(credential);
    if (kind) return kind;
  }
  return "username" in account || "password" in account ? "basic" : "none";
}

/** The account with another way, without what belonged to the old one. */
export function withCredential(account: Fields, kind: string): Fields {
  const { credential: _, username: _user, password: _password, ...rest } = account;
  if (kind === "none") return rest;
  if (kind === "basic") return { ...rest, username: "", password: { env: "" } };
  return { ...rest, credential: { [kind]: {} } };
}
