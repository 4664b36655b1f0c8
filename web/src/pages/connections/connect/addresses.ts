// A connection to PostgreSQL in one line, in the three ways that clients read.
import { addressHost, conninfoValue, pathPart, wholeAddress } from "./quote";
import type { Reach } from "./reach";

/** What libpq calls the system's authorities, from version 16 on. */
export const SYSTEM = "system";

/** `host=... port=...`, as libpq and pgx read it. Without a root the driver's own is trusted. */
export function conninfo(reach: Reach, root: string | null = reach.authority ?? SYSTEM): string {
  const values = [
    ["host", reach.host],
    ["port", reach.port],
    ["dbname", reach.database],
    ["user", reach.account],
    ["sslmode", "verify-full"],
    ...(root == null ? [] : [["sslrootcert", root]]),
  ];
  return values.map(([key, value]) => `${key}=${conninfoValue(value ?? "")}`).join(" ");
}

export function url(reach: Reach, root = reach.authority ?? SYSTEM): string {
  const part = encodeURIComponent;
  // Slashes may stand in a query, and a path is read more easily with them.
  const query = `sslmode=verify-full&sslrootcert=${part(root).replaceAll("%2F", "/")}`;
  const at = `${addressHost(reach.host)}:${reach.port}`;
  return `postgresql://${part(reach.account)}@${at}/${pathPart(reach.database)}?${query}`;
}

/** With the authority in a file, or with what the Java runtime trusts. */
export function jdbcUrl(reach: Reach, authority: string | null = reach.authority): string {
  const part = encodeURIComponent;
  const trust = authority
    ? `sslrootcert=${part(authority)}`
    : "sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory";
  // The driver compares the host with the certificate letter by letter.
  const at = `${addressHost(wholeAddress(reach.host))}:${reach.port}`;
  const query = `user=${part(reach.account)}&sslmode=verify-full&${trust}`;
  return `jdbc:postgresql://${at}/${part(reach.database)}?${query}`;
}
