// The text of policies as they are in force today, for administrators.
import { Skeleton, Text } from "@mantine/core";
import { useApi } from "@/api/query";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { ErrorState } from "@/ui/states";
import { findPolicy } from "../policyText";
import classes from "./replay.module.css";

export function PolicyTexts({ ids }: { ids: string[] }) {
  const { data, error, refetch } = useApi("/v1/resources");
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={80} mt="sm" />;
  const files = data.resources.filter((r) => r.kind === "Policy");
  return (
    <div className={classes.stack}>
      <Text size="xs" c="dimmed" mt="sm">
        As they are today; they may have been others when this was decided.
      </Text>
      {ids.map((id) => {
        const file = files.find((f) => findPolicy(f.name, textOf(f.body), id) !== null);
        const text = file && findPolicy(file.name, textOf(file.body), id);
        if (!file || !text) {
          return (
            <Text key={id} size="sm">
              There is no policy <HostileText mono text={id} /> any more.
            </Text>
          );
        }
        return (
          <div key={id}>
            <Text size="xs" c="dimmed" mb={4}>
              <HostileText text={file.name} />
            </Text>
            <CodeBlock code={text} language="cedar" label={`Policy ${id}`} />
          </div>
        );
      })}
    </div>
  );
}

/** The body of a policy file is its text, which the description of the API calls an object. */
function textOf(body: unknown): string {
  return typeof body === "string" ? body : "";
}
