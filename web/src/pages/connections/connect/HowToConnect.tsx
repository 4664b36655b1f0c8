// How to connect, for every client: what to fetch first, and what to paste.
import { Anchor, Button, Group, Select, Stack, Table, Tabs, Text, TextInput } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { Answer } from "@/api/query";
import { to } from "@/app/to";
import { CodeBlock } from "@/ui/CodeBlock";
import { CopyButton } from "@/ui/CopyButton";
import { Section } from "@/ui/Section";
import { EmptyState } from "@/ui/states";
import { visible } from "@/ui/visible";
import { clientsOf } from "./clients";
import classes from "./connect.module.css";
import { AUTHORITY_FILE, type Connection, type Reach, reach } from "./reach";
import type { Client } from "./snippet";

interface HowToConnectProps {
  list: Answer<"/v1/connections">;
  connection: Connection;
}

const CLIENT = "client";

export function HowToConnect({ list, connection }: HowToConnectProps) {
  const [account, setAccount] = useState<string | null>(null);
  const [database, setDatabase] = useState("");
  const [query, setQuery] = useSearchParams();
  const way = reach(list, connection, location, { account: account ?? "", database });
  if (!way) {
    return (
      <EmptyState
        title={`The gateway does not listen for ${visible(connection.protocol)}`}
        hint={`Whoever runs it has to add it to "listen" in its configuration.`}
      />
    );
  }
  const clients = clientsOf(connection.protocol);
  const open = clients.find((c) => c.id === query.get(CLIENT)) ?? clients[0];
  const choose = (id: string | null) =>
    setQuery(id ? { [CLIENT]: id } : {}, { replace: true, preventScrollReset: true });
  return (
    <Section title="How to connect">
      <Stack gap="md">
        <Group gap="sm" align="flex-end">
          <Select
            label="Account"
            size="xs"
            w={180}
            data={connection.accounts.map((value) => ({ value, label: visible(value) }))}
            value={way.account}
            allowDeselect={false}
            onChange={setAccount}
          />
          {connection.database != null && (
            <TextInput
              label="Database"
              size="xs"
              w={180}
              placeholder={visible(connection.database)}
              value={database}
              onChange={(e) => setDatabase(e.currentTarget.value)}
            />
          )}
        </Group>
        <Steps pem={list.ca_pem ?? null} protocol={connection.protocol} />
        <Tabs value={open?.id ?? null} onChange={choose} keepMounted={false}>
          <Tabs.List aria-label="Clients" className={classes.tabs}>
            {clients.map((client) => (
              <Tabs.Tab key={client.id} value={client.id} px="xs">
                {client.name}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {open && (
            <Tabs.Panel value={open.id} pt="md">
              <OneClient client={open} reach={way} />
            </Tabs.Panel>
          )}
        </Tabs>
      </Stack>
    </Section>
  );
}

function Steps({ pem, protocol }: { pem: string | null; protocol: string }) {
  return (
    <ol className={classes.steps}>
      <li>
        <Text size="sm" component="span">
          {protocol === "http"
            ? "You say who you are with a token"
            : "The password is a token of yours"}
          :{" "}
          <Anchor component={Link} to={to.me} underline="always" size="sm">
            create one
          </Anchor>
          , or use <code>sluice connect</code>, which makes one for each run. Programs below read it
          from a variable: <code>export SLUICE_TOKEN=TOKEN</code>, with yours in place of TOKEN.
        </Text>
      </li>
      <li>
        <Text size="sm" component="span">
          {pem
            ? "Clients trust the gateway by its own authority. Keep this file in the folder that you paste into; what is below finds it there. "
            : "Your system trusts the gateway's certificate already; there is no file to fetch."}
        </Text>
        {pem && <Download pem={pem} />}
      </li>
    </ol>
  );
}

function Download({ pem }: { pem: string }) {
  return (
    <Button
      size="compact-xs"
      variant="light"
      leftSection={<IconDownload size={14} aria-hidden />}
      onClick={() => save(pem)}
    >
      Download {AUTHORITY_FILE}
    </Button>
  );
}

function save(pem: string) {
  const address = URL.createObjectURL(new Blob([pem], { type: "application/x-pem-file" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = AUTHORITY_FILE;
  link.click();
  URL.revokeObjectURL(address);
}

function OneClient({ client, reach: way }: { client: Client; reach: Reach }) {
  const note = typeof client.note === "string" ? client.note : client.note(way);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed" maw={720}>
        {note}
      </Text>
      {client.snippets(way).map(({ code, ...one }) => {
        const title = one.title ?? one.file;
        return (
          <div key={title ?? code}>
            {title && (
              <Text size="xs" c="dimmed" fw={600} mb={4}>
                {title}
              </Text>
            )}
            <CodeBlock code={code} label={title ? `${client.name}, ${title}` : client.name} />
          </div>
        );
      })}
      {client.values && <Values values={client.values(way)} />}
    </Stack>
  );
}

function Values({ values }: { values: [string, string][] }) {
  return (
    <Table aria-label="Values" w="auto" fz="sm">
      <Table.Tbody>
        {values.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={500}>
              {name}
            </Table.Th>
            <Table.Td ff="monospace" style={{ overflowWrap: "anywhere" }}>
              {visible(value)}
            </Table.Td>
            <Table.Td>
              <CopyButton text={value} what={name} />
            </Table.Td>
          </Table.Tr>
        ))}
        <Table.Tr>
          <Table.Th scope="row" fw={500}>
            Password
          </Table.Th>
          <Table.Td colSpan={2}>your token</Table.Td>
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}
