// Finding connections in the list, on the client.
import type { Connection } from "./connect/reach";

export interface Wanted {
  q?: string;
  protocol?: string;
  environment?: string;
  /** Labels that all have to be there: `team=payments,region=eu`. */
  label?: string;
}

export function labelsOf(connection: Connection): string[] {
  return Object.entries(connection.labels).map(([key, value]) => `${key}=${value}`);
}

export const splitLabels = (label = "") => label.split(",").filter(Boolean);

/** The words all have to be somewhere: in the name, protocol, environment, accounts or labels. */
export function find(connections: Connection[], wanted: Wanted): Connection[] {
  const words = (wanted.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const labels = splitLabels(wanted.label);
  return connections.filter((c) => {
    const own = labelsOf(c);
    const text = [c.name, c.protocol, c.environment, ...c.accounts, ...own]
      .join("\n")
      .toLowerCase();
    return (
      (!wanted.protocol || c.protocol === wanted.protocol) &&
      (!wanted.environment || c.environment === wanted.environment) &&
      labels.every((label) => own.includes(label)) &&
      words.every((word) => text.includes(word))
    );
  });
}

/** Each once, in order. */
export function each(values: string[]): string[] {
  return [...new Set(values)].sort();
}
