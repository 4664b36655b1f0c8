// An editor for policies, resources and statements. The editor itself is loaded when it is needed.
import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { LanguageName } from "@/code/languages";

const CodeEditor = lazy(() => import("@/code/CodeEditor"));

/** Something wrong at a place; lines and columns count from 1, 0 means the whole text or line. */
export interface Mark {
  line: number;
  column: number;
  message: string;
  severity?: "error" | "warning" | "info";
}

export interface EditorProps {
  /** What is edited, for screen readers. */
  label: string;
  value: string;
  onChange: (value: string) => void;
  language: LanguageName;
  marks?: Mark[];
  readOnly?: boolean;
  minHeight?: number;
  /** Shows this line; another object goes there again. */
  goTo?: { line: number };
  /** Ctrl/Cmd-Enter. */
  onSubmit?: () => void;
}

export function Editor(props: EditorProps) {
  const { minHeight = 160 } = props;
  return (
    <Suspense fallback={<Skeleton height={minHeight} />}>
      <CodeEditor {...props} minHeight={minHeight} />
    </Suspense>
  );
}
