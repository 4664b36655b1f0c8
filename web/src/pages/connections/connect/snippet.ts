// What a client of the gateway is shown as.
import type { Reach } from "./reach";

export interface Snippet {
  code: string;
  /** Where it goes, or which of several it is. */
  title?: string;
}

export interface Client {
  /** Stands in the query string. */
  id: string;
  name: string;
  note: string | ((reach: Reach) => string);
  snippets: (reach: Reach) => Snippet[];
  /** For programs with fields to fill in. */
  values?: (reach: Reach) => [string, string][];
}
