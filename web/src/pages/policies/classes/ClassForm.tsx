// The fields of a data class: how it is recognised and how it is shown.
import { NumberInput, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { PARTS, TextsAt } from "@/ui/resources/fields";
import { get, useForm } from "@/ui/resources/form";
import { isFields, type Json } from "@/ui/resources/yaml";
import { Section } from "@/ui/Section";
import { DETECTORS } from "./detectors";
import { MASKS, type Mask, maskOf, toValue } from "./masks";

export function ClassForm() {
  const problem = useForm().error(["name"]);
  return (
    <Stack gap="md">
      <Section title="How it is recognised">
        <Stack gap="sm">
          {problem && <div role="alert">{problem}</div>}
          <Columns />
          <TextsAt
            path={["fields"]}
            label="Fields of documents"
            description="In JSON, XML, CSV and forms: email anywhere, customer.email below another, $.email at the root."
            placeholder="customer.email"
          />
          <Detectors />
        </Stack>
      </Section>
      <Section title="How it is shown">
        <MaskFields />
      </Section>
    </Stack>
  );
}

function Columns() {
  const { body, change, error } = useForm();
  const value = get(body, ["columns"]);
  const columns = Array.isArray(value) ? value : [];
  const globs = columns.filter((c) => typeof c === "string");
  const expressions = columns.flatMap((c) =>
    isFields(c) && typeof c.regex === "string" ? [c.regex] : [],
  );
  const put = (g: string[], e: string[]) => {
    const all: Json[] = [...g, ...e.map((regex) => ({ regex }))];
    change(["columns"], all.length > 0 ? all : undefined);
  };
  const wrong = columns.map((_, at) => error(["columns", at])).find(Boolean) ?? error(["columns"]);
  return (
    <>
      <TagsInput
        inputWrapperOrder={PARTS}
        label="Columns"
        description="Patterns over column, table.column or schema.table.column; * stays within one part."
        placeholder={globs.length > 0 ? undefined : "*.ssn"}
        acceptValueOnBlur
        value={globs}
        error={wrong}
        onChange={(g) => put(g, expressions)}
      />
      <TagsInput
        inputWrapperOrder={PARTS}
        label="Columns by regular expression"
        description="Over schema.table.column, anywhere in it."
        placeholder={expressions.length > 0 ? undefined : "tax.?id"}
        acceptValueOnBlur
        splitChars={[]}
        value={expressions}
        onChange={(e) => put(globs, e)}
      />
    </>
  );
}

function Detectors() {
  const { body, change, error } = useForm();
  const value = get(body, ["detectors"]);
  const chosen = Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
  return (
    <TagsInput
      inputWrapperOrder={PARTS}
      label="Detectors"
      description="Find values wherever they stand."
      placeholder={chosen.length > 0 ? undefined : "us_ssn"}
      data={DETECTORS}
      acceptValueOnBlur
      value={chosen}
      error={chosen.map((_, at) => error(["detectors", at])).find(Boolean)}
      onChange={(v) => change(["detectors"], v.length > 0 ? v : undefined)}
    />
  );
}

function MaskFields() {
  const { body, change, error } = useForm();
  const mask = maskOf(get(body, ["mask"]));
  const put = (next: Mask) => change(["mask"], toValue(next));
  return (
    <Stack gap="sm">
      <Select
        label="Mask"
        data={MASKS}
        value={mask.kind}
        allowDeselect={false}
        error={error(["mask"])}
        onChange={(kind) => kind && put({ kind })}
      />
      {mask.kind === "constant" && (
        <TextInput
          label="Text"
          value={mask.text}
          onChange={(e) => put({ kind: mask.kind, text: e.currentTarget.value })}
        />
      )}
      {mask.count !== undefined && (
        <NumberInput
          label="How many stay"
          min={0}
          max={65_535}
          allowDecimal={false}
          value={mask.count}
          onChange={(n) => put({ kind: mask.kind, count: Number(n) || 0 })}
        />
      )}
    </Stack>
  );
}
