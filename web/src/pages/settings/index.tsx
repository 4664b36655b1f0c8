// What the gateway was told at start: addresses, listeners, its certificate, the log's key.
import { Alert, Badge, Code, Grid, Group, Skeleton, Stack, Text } from "@mantine/core";
import { IconCertificate } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { CopyButton } from "@/ui/CopyButton";
import { type Column, DataTable } from "@/ui/DataTable";
import { Fact, Facts } from "@/ui/Facts";
import { HERE } from "@/ui/here";
import { counted } from "@/ui/numbers";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { Section } from "@/ui/Section";
import { ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { duration, MICROS_PER_SECOND } from "@/ui/time";
import { useNow } from "@/ui/useNow";
import { visible } from "@/ui/visible";
import { standing } from "./certificate";
import classes from "./settings.module.css";

type Listener = Schemas["ListenerInfo"];
type Settings = Schemas["SettingsInfo"];

export function Component() {
  const { data, error, refetch } = useApi("/v1/settings");
  if (error && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={360} aria-label="Loading" />;
  return (
    <Stack gap="md">
      <EndOfCertificate certificate={data.certificate} />
      <DirectoryNote />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 6 }}>
          <About settings={data} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Keys settings={data} />
        </Grid.Col>
      </Grid>
      <Section title="Listeners" plain>
        <DataTable
          label="Listeners"
          query={HERE}
          rows={data.listeners}
          rowKey={(l) => l.address}
          columns={LISTENERS}
          empty={{ title: "No listeners" }}
        />
      </Section>
      <Text size="sm" c="dimmed">
        These stand in the gateway's own configuration file, <Code>sluice.yaml</Code>. Change them
        there and start it again.
      </Text>
    </Stack>
  );
}

function EndOfCertificate({ certificate }: Pick<Settings, "certificate">) {
  const now = useNow();
  if (certificate.ends == null) return null;
  const { days, state } = standing(certificate.ends, now);
  if (state === "good") return null;
  return (
    <Alert
      color={state === "over" ? "red" : "yellow"}
      icon={<IconCertificate />}
      title={
        state === "over"
          ? "The certificate has ended"
          : `The certificate ends in ${days < 1 ? "less than a day" : counted(days, "day")}`
      }
    >
      {certificate.own_authority
        ? "The gateway's own authority issues another one when the gateway starts."
        : "Put a new one in its place; the gateway reads it again when the file changes."}
    </Alert>
  );
}

const length = (seconds: number) => duration(seconds * MICROS_PER_SECOND);

function About({ settings }: { settings: Settings }) {
  return (
    <Section title="Gateway">
      <Facts>
        <Fact name="Version">{settings.version}</Fact>
        <Fact name="Public address">
          <Copied text={settings.public_url} what="the public address" />
        </Fact>
        <Fact name="Resources">
          {settings.resources_directory ? (
            <Code>{visible(settings.resources_directory)}</Code>
          ) : (
            "are applied through the API; no directory is read"
          )}
        </Fact>
        <Fact name="Longest token">{length(settings.token_max_seconds)}</Fact>
        <Fact name="Grace">
          {length(settings.grace_seconds)}: live sessions go on for so long when the store cannot be
          read
        </Fact>
      </Facts>
    </Section>
  );
}

function Keys({ settings }: { settings: Settings }) {
  const { certificate, log_key } = settings;
  return (
    <Section title="Certificate and keys">
      <Facts>
        <Fact name="Certificate">
          {certificate.own_authority ? "of the gateway's own authority" : "one of yours"}
        </Fact>
        <Fact name="Ends">
          {certificate.ends == null ? "not known" : <Timestamp at={certificate.ends} exactly />}
        </Fact>
        <Fact name="Log key">
          <Copied text={log_key} what="the key of the log" mono />
          <Text size="xs" c="dimmed">
            Checkpoints of the log are verified with it. Keep a copy elsewhere.
          </Text>
        </Fact>
      </Facts>
    </Section>
  );
}

function Copied({ text, what, mono }: { text: string; what: string; mono?: boolean }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Text size="sm" ff={mono ? "monospace" : undefined} style={{ overflowWrap: "anywhere" }}>
        {visible(text)}
      </Text>
      <CopyButton text={text} what={what} />
    </Group>
  );
}

const LISTENERS: Column<Listener>[] = [
  { header: "Address", cell: (l) => <span className={classes.mono}>{visible(l.address)}</span> },
  { header: "Protocol", cell: (l) => visible(l.protocol) },
  { header: "Leads to", cell: (l) => <LeadsTo listener={l} /> },
  { header: "Ways in", cell: (l) => <WaysIn listener={l} /> },
];

function LeadsTo({ listener: { connection, protocol } }: { listener: Listener }) {
  if (!connection) return protocol === "https" ? "the API and this console" : "all connections";
  return <Link to={to.connection(connection)}>{visible(connection)}</Link>;
}

function WaysIn({ listener }: { listener: Listener }) {
  return (
    <Group gap={4}>
      {listener.ways_in.map((way) => (
        <Badge key={way} color="gray" fw={500}>
          {visible(way)}
        </Badge>
      ))}
    </Group>
  );
}
