// The page of one resource of a kind: what it says in short, and the editor.
import { Anchor, Button, Skeleton, Stack, Title } from "@mantine/core";
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
}

export function ResourcePage({ kind, list, one, back, begun, facts }: ResourcePageProps) {
  const { name = "" } = useParams();
  const { query, resources } = useResources(kind);
  const existing = resources?.find((r) => r.name === name);
  const isNew = name === NEW;
  const heading = (
    <Title order={2}>
      <Anchor component={Link} to={back} inherit underline="always">
        {list}
      </Anchor>
      {" / "}
      {isNew ? `new ${one}` : <HostileText text={name} />}
    </Title>
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
            label={`${one} as YAML`}
            back={back}
          />
        </Section>
      )}
    </Stack>
  );
}
