// The text of one resource, checked by the gateway while it is typed.
import { Alert, Stack } from "@mantine/core";
import { useMemo } from "react";
import { Editor } from "../Editor";
import { CheckLine } from "./CheckLine";
import { marksOf } from "./problems";
import type { Check } from "./useCheck";
import { parse } from "./yaml";

interface YamlEditorProps {
  label: string;
  file: string;
  text: string;
  onChange: (text: string) => void;
  check: Check;
  /** Of a resource that exists: a text with another name makes another resource. */
  name?: string;
  minHeight?: number;
}

export function YamlEditor(props: YamlEditorProps) {
  const { label, file, text, onChange, check, name, minHeight = 280 } = props;
  const marks = useMemo(() => marksOf(check.problems, file), [check.problems, file]);
  const says = useMemo(() => parse(text), [text]);
  return (
    <Stack gap="xs">
      <Editor
        label={label}
        language="yaml"
        value={text}
        onChange={onChange}
        marks={marks}
        minHeight={minHeight}
      />
      <CheckLine check={check} file={file} text={text} />
      {name && says.name && says.name !== name && (
        <Alert color="yellow" title={`This makes another one, called ${says.name}`}>
          {name} stays as it is. Delete it if you meant to give it another name.
        </Alert>
      )}
    </Stack>
  );
}
