// Who can do what: what would be decided about an operation, by which policy, and what would be masked.
import { Autocomplete, Button, Group, Input, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconScale } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { meant } from "@/api/people";
import { useSend } from "@/api/query";
import { Editor } from "@/ui/Editor";
import { PARTS } from "@/ui/resources/fields";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { useFilters } from "@/ui/useFilters";
import { useDraft } from "../draft/useDraft";
import { Explained } from "./Explained";
import classes from "./explain.module.css";
import { EXAMPLES, languageOf, usePeople } from "./usePeople";

type Name = "as" | "connection" | "account" | "database" | "operation";

export function Component() {
  // The question lives in the address, so that it can be linked; it is asked only when somebody says so.
  const filters = useFilters("as", "connection", "account", "database", "operation");
  const [asked, setAsked] = useState<Partial<Record<Name, string>>>(filters.values);
  const explain = useSend("post", "/v1/explain", { quiet: true });
  const { draft } = useDraft();
  const { principals, connections } = usePeople();
  const connection = connections.find((c) => c.name === asked.connection);
  const set = (name: Name) => (value: string | null) =>
    setAsked((old) => ({ ...old, [name]: value ?? "" }));
  const ready = Boolean(asked.connection && asked.operation?.trim());
  const ask = () => {
    if (!ready) return;
    const as = meant(asked.as ?? "", principals);
    setAsked({ ...asked, as });
    filters.set({ account: "", database: "", ...asked, as });
    explain.mutate({
      body: {
        as: as || null,
        connection: asked.connection ?? "",
        account: asked.account || null,
        database: asked.database?.trim() || null,
        operation: asked.operation ?? "",
      },
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask();
  };
  return (
    <div className={classes.split}>
      <Section title="Question">
        <Stack gap="sm" component="form" onSubmit={submit}>
          <Autocomplete
            label="Who"
            inputWrapperOrder={PARTS}
            description="Yourself where this is empty."
            placeholder="user:ada"
            data={principals}
            limit={30}
            value={asked.as ?? ""}
            onChange={set("as")}
          />
          <Select
            label="Connection"
            placeholder="Choose one"
            searchable
            data={connections.map((c) => c.name)}
            value={asked.connection ?? null}
            onChange={(v) => setAsked((old) => ({ ...old, connection: v ?? "", account: "" }))}
          />
          <Group grow gap="sm" align="flex-start">
            <Select
              label="Account"
              placeholder="The default one"
              clearable
              data={connection?.accounts ?? []}
              value={asked.account || null}
              onChange={set("account")}
            />
            {connection?.database != null && (
              <TextInput
                label="Database"
                placeholder={connection.database}
                value={asked.database ?? ""}
                onChange={(e) => set("database")(e.currentTarget.value)}
              />
            )}
          </Group>
          <Input.Wrapper
            label="Operation"
            description={
              connection?.protocol === "http"
                ? "METHOD /path, then fields, an empty line and a body if there are any."
                : "Nothing of it is run."
            }
            labelElement="div"
            descriptionProps={{ mb: 5 }}
          >
            <Editor
              label="Operation"
              language={languageOf(connection?.protocol)}
              value={asked.operation ?? ""}
              minHeight={140}
              onChange={set("operation")}
              onSubmit={ask}
            />
          </Input.Wrapper>
          <Group justify="space-between">
            <Text size="xs" c="dimmed">
              Ctrl-Enter asks. The question goes on record.
            </Text>
            <Button
              type="submit"
              disabled={!ready}
              loading={explain.isPending}
              leftSection={<IconScale size={15} aria-hidden />}
            >
              Explain
            </Button>
          </Group>
        </Stack>
      </Section>
      <Stack gap="md">
        {draft.length > 0 && (
          <Text size="sm" c="dimmed">
            The answer is about what is in force. For your changes there are tests and the dry run.
          </Text>
        )}
        {explain.error && <ErrorState error={explain.error} />}
        {explain.data ? (
          <Explained answer={explain.data} language={languageOf(connection?.protocol)} />
        ) : (
          !explain.error && (
            <EmptyState
              title="What would happen?"
              hint={
                <>
                  Say who wants to do what, such as{" "}
                  <code>{EXAMPLES[connection?.protocol ?? "postgres"]}</code>, and read what is
                  decided and by which policy.
                </>
              }
            />
          )
        )}
      </Stack>
    </div>
  );
}
