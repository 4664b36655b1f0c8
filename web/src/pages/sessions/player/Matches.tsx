// Searches in what a recording printed, and jumps to what was found.
import { ActionIcon, Group, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { counted } from "@/ui/numbers";
import { visible } from "@/ui/visible";
import { type Match, type Printed, search } from "./cast";
import classes from "./player.module.css";

interface MatchesProps {
  text: Printed;
  onJump: (seconds: number) => void;
}

export function Matches({ text, onJump }: MatchesProps) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(-1);
  const found = useMemo(() => search(text, words.trim()), [text, words]);
  const go = (to: number) => {
    const match = found[(to + found.length) % found.length];
    if (!match) return;
    setAt(found.indexOf(match));
    onJump(match.at);
  };
  return (
    <section aria-label="Search in the recording">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          go(at + 1);
        }}
      >
        <Group gap={4} wrap="nowrap">
          <TextInput
            size="xs"
            flex={1}
            aria-label="Search in the recording"
            placeholder="Search in the recording"
            leftSection={<IconSearch size={14} aria-hidden />}
            value={words}
            onChange={(e) => {
              setWords(e.currentTarget.value);
              setAt(-1);
            }}
          />
          <ActionIcon
            variant="default"
            size={30}
            aria-label="Previous match"
            disabled={found.length === 0}
            onClick={() => go(Math.max(at, 0) - 1)}
          >
            <IconChevronUp size={15} />
          </ActionIcon>
          <ActionIcon
            type="submit"
            variant="default"
            size={30}
            aria-label="Next match"
            disabled={found.length === 0}
          >
            <IconChevronDown size={15} />
          </ActionIcon>
        </Group>
      </form>
      <Text size="xs" c="dimmed" mt={6} role="status">
        {words.trim() === ""
          ? "Finds what was printed."
          : counted(found.length, "match", "matches")}
      </Text>
      <ol className={classes.matches}>
        {found.map((match, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: matches go by their place.
          <li key={index}>
            <UnstyledButton
              className={classes.match}
              aria-current={index === at ? "true" : undefined}
              onClick={() => go(index)}
            >
              <span className={classes.dim}>{clock(match.at)}</span>
              <Found match={match} />
            </UnstyledButton>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Found({ match }: { match: Match }) {
  return (
    <code>
      {visible(match.before)}
      <mark>{visible(match.found)}</mark>
      {visible(match.after)}
    </code>
  );
}

/** `1:05`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
