// What a client of the gateway is shown as.
import type { Reach } from "./reach";

export interface Snippet {
  code: string;
  /** What it is for, or which of several it is. */
  title?: string;
  /** The file that it is the content of; otherwise it is a command or an address. */
  file?: string;
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

/** A command for a shell. */
export const shell = (title: string, code: string): Snippet => ({ title, code: `${code}\n` });

/** The content of a file. */
export const file = (name: string, code: string): Snippet => ({ file: name, code });
