// What is wrong with a group of fields as a whole.
import { Text } from "@mantine/core";
import { type Path, useForm } from "@/ui/resources/form";

export function FormProblem({ path }: { path: Path }) {
  const error = useForm().error(path);
  if (!error) return null;
  return (
    <Text size="sm" c="var(--mantine-color-error)">
      {error}
    </Text>
  );
}
