// Chooses a range of time: back from now, or between two exact times.
import { Group, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { fromField, RANGES, type RangeValues, toField } from "./range";

const CUSTOM = "custom";

interface TimeRangeProps {
  values: RangeValues;
  onChange: (values: Required<RangeValues>) => void;
}

export function TimeRange({ values, onChange }: TimeRangeProps) {
  const exact = Boolean(values.from || values.to);
  const [custom, setCustom] = useState(exact);
  const shown = custom || exact ? CUSTOM : (values.range ?? null);
  const choose = (choice: string | null) => {
    setCustom(choice === CUSTOM);
    if (choice !== CUSTOM) onChange({ range: choice ?? "", from: "", to: "" });
  };
  const end = (name: "from" | "to", label: string) => (
    <TextInput
      type="datetime-local"
      size="xs"
      aria-label={label}
      value={toField(values[name])}
      onChange={(e) =>
        onChange({
          range: "",
          from: values.from ?? "",
          to: values.to ?? "",
          [name]: fromField(e.currentTarget.value),
        })
      }
    />
  );
  return (
    <Group gap="xs">
      <Select
        aria-label="Time"
        placeholder="Any time"
        size="xs"
        w={140}
        clearable
        data={[...RANGES, { value: CUSTOM, label: "Between ..." }]}
        value={shown}
        onChange={choose}
      />
      {shown === CUSTOM && end("from", "From")}
      {shown === CUSTOM && end("to", "To")}
    </Group>
  );
}
