// What an identity provider says of itself, in the words of a reader.
import { type Fields, isFields, type Json } from "@/ui/resources/yaml";

export const KIND = "IdentityProvider";

export const BEGUN = `kind: IdentityProvider
name: corp
title: Example Corp
oidc:
  issuer: https://login.example.com
  client_id: sluice
  client_secret: {file: /etc/sluice/oidc-secret}
users:
  name: preferred_username
  domains: [example.com]
groups:
  claim: groups
  map: {platform-team: admins}
`;

export interface Provider {
  title: string;
  speaks: "OpenID Connect" | "SAML 2.0" | "nothing";
  /** Who it is. */
  at: string;
  client: string;
  name: string;
  domains: string[];
  groups: string;
  mapped: [string, string][];
  onlyMapped: boolean;
  prefix: string;
  provisioner: string;
  refreshSeconds?: number;
  sessionHours?: number;
  vouchedHours?: number;
}

const text = (value: Json | undefined) => (typeof value === "string" ? value : "");
const group = (value: Json | undefined): Fields => (isFields(value) ? value : {});
const number = (value: Json | undefined) => (typeof value === "number" ? value : undefined);
const texts = (value: Json | undefined) =>
  Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];

export function provider(body: Fields): Provider {
  const oidc = group(body.oidc);
  const saml = group(body.saml);
  const users = group(body.users);
  const groups = group(body.groups);
  const isOidc = isFields(body.oidc);
  const samlAt = [saml.entity_id, saml.metadata_url, saml.metadata_file, saml.sign_in_url];
  return {
    title: text(body.title),
    speaks: isOidc ? "OpenID Connect" : isFields(body.saml) ? "SAML 2.0" : "nothing",
    at: isOidc ? text(oidc.issuer) : (samlAt.map(text).find(Boolean) ?? ""),
    client: text(oidc.client_id),
    name: text(users.name) || (isOidc ? "preferred_username" : ""),
    domains: texts(users.domains),
    groups: text(groups.claim),
    mapped: Object.entries(group(groups.map)).map(([from, to]) => [from, text(to)]),
    onlyMapped: groups.only_mapped === true,
    prefix: text(groups.prefix),
    provisioner: text(group(body.scim).service),
    refreshSeconds: number(body.refresh_seconds),
    sessionHours: number(body.session_hours),
    vouchedHours: number(body.vouched_hours),
  };
}
