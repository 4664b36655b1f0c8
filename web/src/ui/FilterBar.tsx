// The filters above a list. What they are set to lives in the query string (useFilters).
import { Autocomplete, Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconFilterOff, IconSearch } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { RangeValues } from "./range";
import { TimeRange } from "./TimeRange";
import type { Filters } from "./useFilters";

export type Field<Name extends string> =
  | { kind: "text"; name: Name; label: string }
  | {
      kind: "choice";
      name: Name;
      label: string;
      options: (string | { value: string; label: string })[];
    }
  /** Free text with known values to choose from. */
  | { kind: "suggest"; name: Name; label: string; options: string[] }
  /** Uses the names `range`, `from` and `to`. */
  | { kind: "time" };

interface FilterBarProps<Name extends string> {
  filters: Filters<Name>;
  fields: Field<Name>[];
  /** More at the right, such as an export. */
  children?: ReactNode;
}

export function FilterBar<Name extends string>({
  filters,
  fields,
  children,
}: FilterBarProps<Name>) {
  const { values, set, clear, any } = filters;
  const change = (name: Name, value: string) =>
    set({ [name]: value } as Partial<Record<Name, string>>);
  return (
    <Group component="search" gap="xs" mb="md" align="end">
      {fields.map((field) => {
        if (field.kind === "time") {
          return (
            <TimeRange
              key="time"
              values={values as RangeValues}
              onChange={(range) => set(range as Partial<Record<Name, string>>)}
            />
          );
        }
        const value = values[field.name] ?? "";
        if (field.kind !== "choice") {
          return (
            <TextFilter
              key={field.name}
              label={field.label}
              options={field.kind === "suggest" ? field.options : undefined}
              value={value}
              onChange={(v) => change(field.name, v)}
            />
          );
        }
        return (
          <Select
            key={field.name}
            aria-label={field.label}
            placeholder={field.label}
            size="xs"
            w={160}
            clearable
            data={field.options}
            value={value || null}
            onChange={(v) => change(field.name, v ?? "")}
          />
        );
      })}
      {any && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          leftSection={<IconFilterOff size={14} aria-hidden />}
          onClick={clear}
        >
          Clear
        </Button>
      )}
      {children && <Group ml="auto">{children}</Group>}
    </Group>
  );
}

const TYPING_MS = 250;

interface TextFilterProps {
  label: string;
  /** Known values to choose from. */
  options?: string[];
  value: string;
  onChange: (value: string) => void;
}

function TextFilter({ label, options, value, onChange }: TextFilterProps) {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  const tell = useDebouncedCallback((text: string) => {
    told.current = text;
    onChange(text);
  }, TYPING_MS);
  useEffect(() => {
    // Changed from outside (Clear, or the browser's back), not by our own telling.
    if (value === told.current) return;
    told.current = value;
    setTyped(value);
  }, [value]);
  if (options) {
    return (
      <Autocomplete
        aria-label={label}
        placeholder={label}
        size="xs"
        w={160}
        limit={50}
        data={options}
        value={typed}
        onChange={(text) => {
          setTyped(text);
          tell(text);
        }}
      />
    );
  }
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      size="xs"
      w={220}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={typed}
      onChange={(e) => {
        setTyped(e.currentTarget.value);
        tell(e.currentTarget.value);
      }}
    />
  );
}
