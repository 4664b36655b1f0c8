// What stands in place of content: nothing there, or something went wrong.
import { Alert, Button, List, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { asApiError } from "@/api/client";
import classes from "./ui.module.css";
import { visible } from "./visible";

export interface EmptyProps {
  title: string;
  /** What to do next. */
  hint?: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ title, hint, action }: EmptyProps) {
  return (
    <div className={classes.empty}>
      <Title order={2} size="h3">
        {title}
      </Title>
      {hint && (
        <Text c="dimmed" size="sm" maw={460} component="div">
          {hint}
        </Text>
      )}
      {action}
    </div>
  );
}

export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { message, hint, problems } = asApiError(error);
  return (
    <Alert color="red" title={visible(message)} icon={<IconAlertTriangle />} role="alert">
      {hint && <Text size="sm">{visible(hint)}</Text>}
      {problems.length > 0 && (
        <List size="sm">
          {problems.map((p) => (
            <List.Item key={`${p.file}:${p.line}:${p.column}:${p.message}`}>
              {visible(`${p.file}:${p.line}:${p.column}: ${p.message}`)}
            </List.Item>
          ))}
        </List>
      )}
      {retry && (
        <Button
          size="xs"
          variant="default"
          mt="sm"
          leftSection={<IconRefresh size={14} aria-hidden />}
          onClick={retry}
        >
          Try again
        </Button>
      )}
    </Alert>
  );
}
