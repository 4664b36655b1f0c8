// A word of warning where resources come from files: what is changed here does not stay for good.
import { Alert, Code } from "@mantine/core";
import { IconFolder } from "@tabler/icons-react";
import { useApi } from "@/api/query";
import { visible } from "../visible";

export function DirectoryNote() {
  const directory = useApi("/v1/settings").data?.resources_directory;
  if (!directory) return null;
  return (
    <Alert color="yellow" icon={<IconFolder />} p="xs" role="note">
      Resources come from files in <Code>{visible(directory)}</Code>. What you change here works at
      once, and is changed back when its file changes: change the file as well.
    </Alert>
  );
}
