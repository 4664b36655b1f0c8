// Registers or edits a connection: a form and its text, checked while it is filled in, tested, reviewed and applied.
import { Alert, Button, Grid, Skeleton, Stack } from "@mantine/core";
import { IconAlertTriangle, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { DirectoryNote } from "@/ui/resources/DirectoryNote";
import { ResourceForm } from "@/ui/resources/form";
import { fileOf, type Resource, textOf, useResources } from "@/ui/resources/resources";
import { useCheck } from "@/ui/resources/useCheck";
import { useGuard } from "@/ui/resources/useGuard";
import { useReview } from "@/ui/resources/useReview";
import { YamlEditor } from "@/ui/resources/YamlEditor";
import { type Fields, parse, print } from "@/ui/resources/yaml";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { ConnectionForm } from "./form/ConnectionForm";
import classes from "./form/form.module.css";
import { misnamed, missing } from "./form/missing";
import { TestButton, TestResult, useTargetTest } from "./TestTarget";

const KIND = "Connection";
const BEGUN = print(KIND, { protocol: "postgres", accounts: [{ default: true }] });

export function Component() {
  const { name } = useParams();
  const { query, resources } = useResources(KIND);
  const existing = resources?.find((r) => r.name === name);
  if (name === undefined) return <Editing key="new" />;
  if (existing) return <Editing key={name} existing={existing} />;
  return (
    <>
      <PageHeader title={`Edit ${name}`} />
      {query.isPending && <Skeleton height={400} />}
      {query.error && <ErrorState error={query.error} retry={() => void query.refetch()} />}
      {resources && (
        <EmptyState
          title="No such connection"
          hint="It may have been taken away."
          action={
            <Button component={Link} to={to.connections} variant="default">
              All connections
            </Button>
          }
        />
      )}
    </>
  );
}

function Editing({ existing }: { existing?: Resource }) {
  // What others apply meanwhile shows up in the review, not under the fingers of who types.
  const [begun] = useState(() => (existing ? textOf(existing) : BEGUN));
  const [text, setText] = useState(begun);
  const said = useMemo(() => parse(text), [text]);
  const file = fileOf(KIND, said.name, existing);
  const changed = text !== begun;
  const sent = { files: [{ name: file, text }] };
  const check = useCheck(changed ? sent : null);
  const test = useTargetTest();
  const review = useReview();
  const go = useNavigate();
  const leave = useGuard(changed);

  const [insist, setInsist] = useState(false);
  const { lacking, known } = useKnown(said.documents > 1 ? null : said.body, insist);
  /** Empty fields are only told of once they are in the way. */
  const whole = (then: () => void) => () => {
    setInsist(true);
    if (lacking === 0) then();
  };

  const apply = async () => {
    const title = existing ? `Change ${existing.name}` : "Register a connection";
    if (!(await review({ title, sent }))) return;
    leave();
    void go(to.connection(said.name));
  };
  return (
    <>
      <PageHeader
        title={existing ? `Edit ${existing.name}` : "Register a connection"}
        about={`It goes into ${file}.`}
        actions={
          <>
            {existing && <Delete name={existing.name} leave={leave} />}
            <TestButton
              test={test}
              onTest={whole(() =>
                test.mutate({ body: { draft: (said.body ?? {}) as Record<string, never> } }),
              )}
            />
            <Button disabled={!changed} onClick={whole(() => void apply())}>
              Review
            </Button>
          </>
        }
      />
      <Stack gap="md">
        <DirectoryNote />
        {insist && lacking > 0 && (
          <Alert color="red" icon={<IconAlertTriangle />} role="alert">
            {lacking === 1 ? "A field is" : `${lacking} fields are`} still empty; the form marks
            what is needed.
          </Alert>
        )}
        <TestResult test={test} />
        <Grid gap="md">
          <Grid.Col span={{ base: 12, lg: 7 }}>
            <ResourceForm
              kind={KIND}
              text={text}
              onChange={setText}
              file={file}
              check={check}
              known={known}
            >
              <ConnectionForm existing={existing !== undefined} />
            </ResourceForm>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 5 }} className={classes.beside}>
            <Section title="As a file">
              <YamlEditor
                label="Connection as YAML"
                file={file}
                text={text}
                onChange={setText}
                check={check}
                name={existing?.name}
              />
            </Section>
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}

/** What the form itself knows to be wrong; nothing where it cannot show the text. */
function useKnown(body: Fields | null, insist: boolean) {
  const protocols = useApi("/v1/protocols").data?.protocols;
  return useMemo(() => {
    if (!body) return { lacking: 0, known: new Map<string, string>() };
    const protocol = protocols?.find((p) => p.name === body.protocol);
    const lacking = missing(body, protocol?.needs_username ?? false);
    const known = new Map([...misnamed(body), ...(insist ? lacking : [])]);
    return { lacking: lacking.size, known };
  }, [body, protocols, insist]);
}

function Delete({ name, leave }: { name: string; leave: () => void }) {
  const review = useReview();
  const go = useNavigate();
  const remove = async () => {
    const sent = { files: [], delete: [{ kind: KIND, name }] };
    if (!(await review({ title: `Delete ${name}?`, sent }))) return;
    leave();
    void go(to.connections);
  };
  return (
    <Button
      variant="default"
      color="red"
      leftSection={<IconTrash size={15} aria-hidden />}
      onClick={() => void remove()}
    >
      Delete
    </Button>
  );
}
