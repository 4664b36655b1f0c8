// One connection: what it is, how it is, whether the reader may connect, and how.
import { Badge, Button, Grid, Stack, Text } from "@mantine/core";
import { IconPencil, IconUserCheck } from "@tabler/icons-react";
import { Link, useParams } from "react-router";
import { useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { Fact, Facts } from "@/ui/Facts";
import { PageHeader } from "@/ui/PageHeader";
import { DecisionText } from "@/ui/resources/DecisionText";
import { decided } from "@/ui/resources/decided";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { visible } from "@/ui/visible";
import { HowToConnect } from "./connect/HowToConnect";
import type { Connection } from "./connect/reach";
import { Health } from "./Health";
import { Labels } from "./Labels";
import { TestButton, TestResult, useTargetTest } from "./TestTarget";

export function Component() {
  const { name = "" } = useParams();
  const query = useApi("/v1/connections");
  const connection = query.data?.connections.find((c) => c.name === name);
  return (
    <>
      <PageHeader
        title={name}
        aside={connection && <Badge color="gray">{visible(connection.environment)}</Badge>}
        about={connection && `A connection over ${visible(connection.protocol)}.`}
        actions={connection && <Actions connection={connection} />}
      />
      {query.error && !query.data && (
        <ErrorState error={query.error} retry={() => void query.refetch()} />
      )}
      {query.data && !connection && (
        <EmptyState
          title="No such connection"
          hint="It was taken away, or no policy lets you connect to it."
          action={
            <Button component={Link} to={to.connections} variant="default">
              All connections
            </Button>
          }
        />
      )}
      {query.data && connection && (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, lg: 4 }}>
            <Stack gap="md">
              <About connection={connection} />
              <Access connection={connection} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 8 }}>
            <HowToConnect list={query.data} connection={connection} />
          </Grid.Col>
        </Grid>
      )}
    </>
  );
}

function Actions({ connection }: { connection: Connection }) {
  const { admin } = useMe();
  const asks = decided(connection.connect).decision === "ask";
  return (
    <>
      {asks && (
        <Button
          component={Link}
          to={to.requestAccess(connection.name)}
          leftSection={<IconUserCheck size={15} aria-hidden />}
        >
          Request access
        </Button>
      )}
      {admin && (
        <Button
          component={Link}
          to={to.editConnection(connection.name)}
          variant="default"
          leftSection={<IconPencil size={15} aria-hidden />}
        >
          Edit
        </Button>
      )}
    </>
  );
}

function About({ connection }: { connection: Connection }) {
  const { admin } = useMe();
  const test = useTargetTest();
  const [usual, ...others] = connection.accounts;
  return (
    <Section
      title="About"
      actions={
        admin && (
          <TestButton test={test} onTest={() => test.mutate({ body: { name: connection.name } })} />
        )
      }
    >
      <Facts>
        <Fact name="Health">
          <Health health={connection.health} whole />
        </Fact>
        <Fact name="Protocol">{visible(connection.protocol)}</Fact>
        <Fact name="Environment">{visible(connection.environment)}</Fact>
        <Fact name="Labels">
          {Object.keys(connection.labels).length > 0 && <Labels connection={connection} />}
        </Fact>
        <Fact name="Database">{connection.database && visible(connection.database)}</Fact>
        <Fact name="Accounts">
          {usual && `${visible(usual)} (default)`}
          {others.length > 0 && `, ${visible(others.join(", "))}`}
        </Fact>
        <Fact name="Own listener">{connection.listen}</Fact>
      </Facts>
      <div style={{ marginTop: test.data || test.error ? 12 : 0 }}>
        <TestResult test={test} />
      </div>
    </Section>
  );
}

const WHAT_NEXT = {
  allow: "You can connect now. What you may do there is decided for each operation.",
  ask: "Connect, and the login waits until they agree; or request a window of time ahead.",
  deny: "You see it because you administer the gateway. Nobody connects without a policy that permits it.",
};

function Access({ connection }: { connection: Connection }) {
  return (
    <Section title="May I connect">
      <DecisionText value={connection.connect} />
      <Text size="sm" c="dimmed" mt={8}>
        {WHAT_NEXT[decided(connection.connect).decision]}
      </Text>
    </Section>
  );
}
