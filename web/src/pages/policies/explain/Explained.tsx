// The answer: for the session, for each statement, and for each thing that a statement needs.
import { Badge, Group, List, Stack, Text } from "@mantine/core";
import { IconEyeOff } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { CodeBlock } from "@/ui/CodeBlock";
import { type Column, DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { HERE } from "@/ui/here";
import { DecisionText } from "@/ui/resources/DecisionText";
import { Section } from "@/ui/Section";
import { visible } from "@/ui/visible";

interface ExplainedProps {
  answer: Schemas["ExplainResponse"];
  language: "sql" | "http";
}

export function Explained({ answer, language }: ExplainedProps) {
  return (
    <div role="status" aria-label="Answer">
      <Stack gap="md">
        <Section title="Connect">
          <DecisionText value={answer.connect} />
        </Section>
        {answer.statements.map((statement, at) => (
          <Section
            // biome-ignore lint/suspicious/noArrayIndexKey: statements of one answer never move.
            key={at}
            title={answer.statements.length > 1 ? `Statement ${at + 1}` : "Operation"}
          >
            <Statement statement={statement} language={language} />
          </Section>
        ))}
      </Stack>
    </div>
  );
}

const NEEDS: Column<Schemas["ExplainedAccess"]>[] = [
  { header: "Needs", cell: (a) => <HostileText text={a.action} mono />, width: "150px" },
  { header: "On", cell: (a) => <HostileText text={a.resource} mono />, width: "38%" },
  { header: "Decision", cell: (a) => <DecisionText value={a.decision} /> },
];

interface StatementProps {
  statement: Schemas["ExplainedStatement"];
  language: "sql" | "http";
}

function Statement({ statement, language }: StatementProps) {
  const masked = statement.masked as unknown as { name: string; class: string | null }[];
  return (
    <Stack gap="sm">
      <CodeBlock code={statement.text} language={language} label="Statement" maxHeight={220} />
      <DecisionText value={statement.decision} />
      {statement.accesses.length > 0 && (
        <DataTable
          label="What it needs"
          query={HERE}
          rows={statement.accesses}
          rowKey={(a) => `${a.action} ${a.resource}`}
          columns={NEEDS}
          empty={{ title: "Nothing" }}
        />
      )}
      {masked.length > 0 && (
        <Group gap={6}>
          <IconEyeOff size={15} aria-hidden />
          <Text size="sm" component="span">
            Masked in the answer:
          </Text>
          {masked.map(({ name, class: kind }) => (
            <Badge key={`${name} ${kind}`} color="grape" maw="100%">
              {visible(name)}
              {kind ? ` (${visible(kind)})` : " (origin unknown)"}
            </Badge>
          ))}
        </Group>
      )}
      {statement.notes.length > 0 && (
        <List size="sm" c="dimmed">
          {statement.notes.map((note) => (
            <List.Item key={note}>{visible(note)}</List.Item>
          ))}
        </List>
      )}
    </Stack>
  );
}
