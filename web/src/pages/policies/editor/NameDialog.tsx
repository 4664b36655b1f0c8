// Asks for the name of something new.
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useState } from "react";

interface Question {
  title: string;
  label: string;
  description?: string;
  placeholder?: string;
  /** What is wrong with a name, in words. */
  problem: (name: string) => string | null;
}

export function askName(question: Question): Promise<string | null> {
  return new Promise((answer) => {
    const id = modals.open({
      title: question.title,
      onClose: () => answer(null),
      children: (
        <Dialog
          question={question}
          onName={(name) => {
            answer(name);
            modals.close(id);
          }}
        />
      ),
    });
  });
}

function Dialog({ question, onName }: { question: Question; onName: (name: string) => void }) {
  const [name, setName] = useState("");
  const [shown, setShown] = useState(false);
  const problem = question.problem(name.trim());
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        setShown(true);
        if (!problem) onName(name.trim());
      }}
    >
      <Stack gap="md">
        <TextInput
          label={question.label}
          description={question.description}
          placeholder={question.placeholder}
          data-autofocus
          value={name}
          error={shown && problem}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit">Create</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What names of data classes and tests have to be, as the gateway sees it. */
export function nameProblem(name: string, taken: string[]): string | null {
  if (!name) return "Say what it is called.";
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    return "Letters, digits and - _ . only, with a letter or digit first.";
  }
  if (taken.some((t) => t.toLowerCase() === name.toLowerCase())) return "There is one already.";
  return null;
}

export function fileProblem(name: string, taken: string[]): string | null {
  if (!name) return "Say what it is called.";
  const parts = name.replace(/\.cedar$/, "").split("/");
  if (!parts.every((part) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(part))) {
    return "Letters, digits and - _ . only; folders with /.";
  }
  if (taken.includes(withEnding(name))) return "There is one already.";
  return null;
}

export const withEnding = (name: string) => (name.endsWith(".cedar") ? name : `${name}.cedar`);
