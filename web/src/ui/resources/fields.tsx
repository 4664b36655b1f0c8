// The fields of a resource form: each knows its place in the resource.
import {
  Autocomplete,
  Group,
  NumberInput,
  Select,
  Switch,
  TagsInput,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import type { ReactNode } from "react";
import { get, type Path, useForm } from "./form";
import { isFields, type Json } from "./yaml";

export interface FieldProps {
  path: Path;
  label: string;
  description?: ReactNode;
  placeholder?: string;
  required?: boolean;
  disabled?: boolean;
}

const text = (value: Json | undefined) => (typeof value === "string" ? value : "");

function useField({ path }: FieldProps) {
  const { body, change, error } = useForm();
  return {
    value: get(body, path),
    put: (value: Json | undefined) => change(path, value),
    error: error(path),
  };
}

// Below the input, so that the inputs of a row stand on one line.
export const PARTS: ("label" | "input" | "description" | "error")[] = [
  "label",
  "input",
  "description",
  "error",
];

/** What all fields are told, without the place. */
function look({ path: _, ...rest }: FieldProps) {
  return { ...rest, withAsterisk: rest.required, required: false, inputWrapperOrder: PARTS };
}

interface TextProps extends FieldProps {
  suggestions?: string[];
  /** An empty text stays, so that the group that it is in does not go with it. */
  keepEmpty?: boolean;
}

export function TextAt(props: TextProps) {
  const { suggestions, keepEmpty = false, ...field } = props;
  const { value, put: putAny, error } = useField(field);
  const put = (v: string) => putAny(v === "" && !keepEmpty ? undefined : v);
  const common = { ...look(field), value: text(value), error };
  if (suggestions) {
    return <Autocomplete {...common} data={suggestions} limit={50} onChange={put} />;
  }
  return <TextInput {...common} onChange={(e) => put(e.currentTarget.value)} />;
}

export function SwitchAt(props: FieldProps & { usual?: boolean }) {
  const { usual = false, ...field } = props;
  const { value, put, error } = useField(field);
  const { label, description, disabled } = field;
  return (
    <Switch
      {...{ label, description, disabled, error }}
      checked={typeof value === "boolean" ? value : usual}
      onChange={(e) => {
        const on = e.currentTarget.checked;
        put(on === usual ? undefined : on);
      }}
    />
  );
}

export function NumberAt(props: FieldProps & { usual?: number; suffix?: string }) {
  const { usual, suffix, ...field } = props;
  const { value, put, error } = useField(field);
  return (
    <NumberInput
      {...look(field)}
      error={error}
      suffix={suffix}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      placeholder={field.placeholder ?? (usual === undefined ? undefined : String(usual))}
      value={typeof value === "number" ? value : ""}
      onChange={(v) => put(typeof v === "number" ? v : undefined)}
    />
  );
}

interface TextsProps extends FieldProps {
  suggestions?: string[];
  /** An empty list says something else than none. */
  keepEmpty?: boolean;
}

export function TextsAt(props: TextsProps) {
  const { suggestions, keepEmpty = false, ...field } = props;
  const { value, put, error } = useField(field);
  const texts = Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
  return (
    <TagsInput
      {...look(field)}
      placeholder={texts.length > 0 ? undefined : field.placeholder}
      error={error}
      data={suggestions}
      acceptValueOnBlur
      clearable
      value={texts}
      onChange={(v) => put(v.length > 0 || keepEmpty ? v : undefined)}
    />
  );
}

/** Labels: `team=payments`. */
export function LabelsAt(props: FieldProps) {
  const { value, put, error } = useField(props);
  const labels = isFields(value) ? Object.entries(value).map(([k, v]) => `${k}=${text(v)}`) : [];
  return (
    <TagsInput
      {...look(props)}
      placeholder={labels.length > 0 ? undefined : props.placeholder}
      error={error}
      acceptValueOnBlur
      clearable
      value={labels}
      onChange={(tags) => {
        const pairs = tags.map((tag) => {
          const [key = "", ...rest] = tag.split("=");
          return [key.trim(), rest.join("=").trim()] as const;
        });
        put(pairs.length > 0 ? Object.fromEntries(pairs) : undefined);
      }}
    />
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function SelectAt(props: FieldProps & { choices: Choice[]; usual?: string }) {
  const { choices, usual, ...field } = props;
  const { value, put, error } = useField(field);
  return (
    <Select
      {...look(field)}
      error={error}
      data={choices}
      allowDeselect={false}
      value={text(value) || usual || null}
      onChange={(v) => put(v && v !== usual ? v : undefined)}
    />
  );
}

const PLACES = [
  { value: "env", label: "Variable" },
  { value: "file", label: "File" },
];

/** Where a secret is: never the secret itself. */
export function SecretAt(props: FieldProps & { optional?: boolean }) {
  const { optional, ...field } = props;
  const { value, put, error } = useField(field);
  const form = useForm();
  const place = isFields(value) && "file" in value ? "file" : isFields(value) ? "env" : null;
  const where = place && isFields(value) ? text(value[place]) : "";
  const inner = place ? form.error([...field.path, place]) : undefined;
  const choices = optional ? [{ value: "", label: "None" }, ...PLACES] : PLACES;
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap">
      <Select
        label={
          <>
            {field.label} <VisuallyHidden>is in</VisuallyHidden>
          </>
        }
        w={120}
        data={choices}
        allowDeselect={false}
        value={place ?? (optional ? "" : null)}
        placeholder="Where"
        error={Boolean(error)}
        onChange={(v) => put(v ? { [v]: where } : undefined)}
      />
      <TextInput
        style={{ flex: 1 }}
        label={place === "file" ? "Path" : "Name"}
        aria-label={`${field.label}: ${place === "file" ? "path" : "name of the variable"}`}
        placeholder={place === "file" ? "/etc/sluice/secret" : "SHOP_PASSWORD"}
        disabled={!place}
        value={where}
        error={inner ?? error}
        onChange={(e) => place && put({ [place]: e.currentTarget.value })}
      />
    </Group>
  );
}
