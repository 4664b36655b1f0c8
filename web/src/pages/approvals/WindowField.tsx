// How long a window lasts: one of a few lengths, or one's own.
import { Group, NumberInput, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useId, useState } from "react";
import { MAX_WINDOW_SECONDS } from "./approval";
import { CUSTOM, presets, UNIT_NAMES, type Unit, windowOf } from "./windows";

interface WindowFieldProps {
  label: string;
  /** The longest that may be chosen, in seconds. */
  most?: number;
  value: number | null;
  /** Null while what is typed is no length. */
  onChange: (seconds: number | null) => void;
}

export function WindowField({
  label,
  most = MAX_WINDOW_SECONDS,
  value,
  onChange,
}: WindowFieldProps) {
  const id = useId();
  const offered = presets(most);
  const [custom, setCustom] = useState(!offered.some((p) => p.value === String(value)));
  const [amount, setAmount] = useState<number | string>("");
  const [unit, setUnit] = useState<Unit>("hours");
  const typed = windowOf(amount, unit, most);

  const choose = (choice: string) => {
    setCustom(choice === CUSTOM);
    onChange(choice === CUSTOM ? typed.seconds : Number(choice));
  };
  const type = (n: number | string, u: Unit) => {
    setAmount(n);
    setUnit(u);
    onChange(windowOf(n, u, most).seconds);
  };
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500} id={id}>
        {label}
      </Text>
      <SegmentedControl
        aria-labelledby={id}
        fullWidth
        data={[...offered, { value: CUSTOM, label: "Other" }]}
        value={custom ? CUSTOM : String(value)}
        onChange={choose}
      />
      {custom && (
        <Group gap="xs" align="start" wrap="nowrap">
          <NumberInput
            aria-label="How many"
            placeholder="3"
            min={1}
            allowNegative={false}
            value={amount}
            onChange={(n) => type(n, unit)}
            error={amount !== "" && typed.error}
            flex={1}
          />
          <Select
            aria-label="Unit"
            data={UNIT_NAMES}
            allowDeselect={false}
            value={unit}
            onChange={(u) => type(amount, (u ?? "hours") as Unit)}
            flex={1}
          />
        </Group>
      )}
    </Stack>
  );
}
