// The page of one resource of a kind: what it says in short, and the editor.
import { Anchor, Button, Group, Skeleton, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { HostileText } from "@/ui/HostileText";
import { type Resource, useResources } from "@/ui/resources/resources";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { ResourceEditor } from "./ResourceEditor";

/** The last part of the address of something that is not there yet; no name can begin with it. */
export const NEW = "+new";

interface ResourcePageProps {
  kind: string;
  /** `Identity providers`. */
  list: string;
  /** `identity provider`. */
  one: string;
  back: string;
  begun: string;
  facts?: (resource: Resource) => ReactNode;
  /** Beside the heading of one that exists. */
  actions?: (resource: Resource) => ReactNode;
  /** Above the text, with the name as far as it is typed. */
  before?: (name: string) => ReactNode;
}

export function ResourcePage(props: ResourcePageProps) {
  const { kind, list, one, back, begun, facts, actions, before } = props;
  // An address without a name is that of a new one.
  const { name = NEW } = useParams();
  const { query, resources } = useResources(kind);
  const existing = resources?.find((r) => r.name === name);
  const isNew = name === NEW;
  const heading = (
    <Group justify="space-between" gap="xs">
      <Title order={2}>
        <Anchor component={Link} to={back} inherit underline="always">
          {list}
        </Anchor>
        {" / "}
        {isNew ? `new ${one}` : <HostileText text={name} />}
      </Title>
      {existing && actions?.(existing)}
    </Group>
  );
  return (
    <Stack gap="md">
      {heading}
      {query.error && !resources && (
        <ErrorState error={query.error} retry={() => void query.refetch()} />
      )}
      {query.isPending && <Skeleton height={320} aria-label="Loading" />}
      {resources && !existing && !isNew && (
        <EmptyState
          title={`No such ${one}`}
          hint="It may have been taken away."
          action={
            <Button component={Link} to={back} variant="default">
              {list}
            </Button>
          }
        />
      )}
      {resources && existing && facts?.(existing)}
      {resources && (existing || isNew) && (
        <Section title="As a file">
          <ResourceEditor
            key={name}
            kind={kind}
            existing={existing}
            begun={begun}
            before={before}
            label={`${one} as YAML`}
            back={back}
          />
        </Section>
      )}
    </Stack>
  );
}
