// The fields of a policy test: who does what, and what should come of it.
import { Autocomplete, Input, Select, Stack } from "@mantine/core";
import { Editor } from "@/ui/Editor";
import { SelectAt, TextAt } from "@/ui/resources/fields";
import { get, useForm } from "@/ui/resources/form";
import { EXAMPLES, languageOf, usePeople } from "../explain/usePeople";
import classes from "./tests.module.css";

const EXPECTED = [
  { value: "allow", label: "allow: it runs" },
  { value: "ask", label: "ask: it waits for a human" },
  { value: "deny", label: "deny: it is refused" },
];

export function TestForm() {
  const { body, change, error } = useForm();
  const { principals, connections } = usePeople();
  const text = (name: string) => {
    const value = get(body, [name]);
    return typeof value === "string" ? value : "";
  };
  const connection = connections.find((c) => c.name === text("connection"));
  return (
    <Stack gap="sm">
      <div className={classes.fields}>
        <TextAt
          path={["principal"]}
          label="Who"
          placeholder="user:ada"
          required
          suggestions={principals}
        />
        <Select
          label="Connection"
          withAsterisk
          searchable
          data={connections.map((c) => c.name)}
          value={text("connection") || null}
          error={error(["connection"])}
          onChange={(v) => change(["connection"], v ?? undefined)}
        />
        <Autocomplete
          label="Account"
          placeholder="The default one"
          data={connection?.accounts ?? []}
          value={text("account")}
          error={error(["account"])}
          onChange={(v) => change(["account"], v || undefined)}
        />
        {connection?.database != null && (
          <TextAt path={["database"]} label="Database" placeholder={connection.database} />
        )}
      </div>
      <Input.Wrapper
        label="Operation"
        description={`Such as ${EXAMPLES[connection?.protocol ?? "postgres"]}`}
        error={error(["operation"])}
        labelElement="div"
        descriptionProps={{ mb: 5 }}
        withAsterisk
      >
        <Editor
          label="Operation"
          language={languageOf(connection?.protocol)}
          value={text("operation")}
          minHeight={110}
          onChange={(v) => change(["operation"], v || undefined)}
        />
      </Input.Wrapper>
      <div className={classes.fields}>
        <SelectAt path={["expect"]} label="Expected" choices={EXPECTED} required />
        <TextAt
          path={["policy"]}
          label="By policy"
          description="The @id that has to decide; any where empty."
        />
      </div>
    </Stack>
  );
}
