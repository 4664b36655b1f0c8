// The one time that a token's secret is shown.
import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy, IconEyeOff } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { exact } from "@/ui/time";
import classes from "./people.module.css";

interface SecretProps {
  created: Schemas["CreatedToken"];
  onDone: () => void;
}

export function Secret({ created, onDone }: SecretProps) {
  const { copied, copy, error } = useClipboard({ timeout: 3_000 });
  return (
    <Stack gap="md">
      <Text size="sm">
        The secret of <strong>{created.id}</strong>, which stands for{" "}
        <strong>{created.principal}</strong> until {exact(created.expires)}:
      </Text>
      <Textarea
        label="Secret"
        readOnly
        autosize
        classNames={{ input: classes.secret }}
        value={created.secret}
        onFocus={(e) => e.currentTarget.select()}
      />
      <Button
        variant="default"
        size="sm"
        leftSection={
          copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />
        }
        onClick={() => copy(created.secret)}
      >
        {copied ? "Copied" : "Copy secret"}
      </Button>
      {error && (
        <Text size="sm" c="red">
          It could not be copied; select it and copy it yourself.
        </Text>
      )}
      <Alert color="yellow" icon={<IconEyeOff aria-hidden />} title="You will not see it again">
        Put it where it is needed now. The gateway keeps only a hash of it.
      </Alert>
      <Group justify="flex-end">
        <Button size="sm" onClick={onDone}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
