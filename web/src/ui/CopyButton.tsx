// Copies a text, and says so.
import { ActionIcon, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";

interface CopyButtonProps {
  text: string;
  /** What is copied: "the statement". */
  what?: string;
}

export function CopyButton({ text, what = "" }: CopyButtonProps) {
  const { copied, copy, error } = useClipboard({ timeout: 1500 });
  const label = error ? "Could not copy" : copied ? "Copied" : `Copy ${what}`.trim();
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={label}
        onClick={() => copy(text)}
      >
        {copied ? <IconCheck size={14} /> : <IconCopy size={14} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}
