// The button in place of what is not shown: says how much there is, and shows it.
import { Button } from "@mantine/core";
import { IconFoldDown, IconFoldUp } from "@tabler/icons-react";

interface UnfoldProps {
  open: boolean;
  /** How much is not shown, and how much there is: `148 lines not shown. Show all 152 lines`. */
  more: string;
  /** `Show less`. */
  less: string;
  toggle: () => void;
  className?: string;
}

export function Unfold({ open, more, less, toggle, className }: UnfoldProps) {
  const Icon = open ? IconFoldUp : IconFoldDown;
  return (
    <Button
      variant="default"
      size="sm"
      fullWidth
      h="auto"
      mih={36}
      // What it says is never cut.
      styles={{ label: { whiteSpace: "normal" } }}
      className={className}
      leftSection={<Icon size={15} aria-hidden />}
      aria-expanded={open}
      onClick={toggle}
    >
      {open ? less : more}
    </Button>
  );
}
