// Offboarding: first shows everything that hangs from a person, then ends all of it in one step.
import {
  Alert,
  Anchor,
  Button,
  Group,
  Skeleton,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconCheck, IconUserOff } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useParams } from "react-router";
import { useSend } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { LeftoverList } from "./LeftoverList";
import classes from "./people.module.css";
import { kindOf, nameOf } from "./words";

export function Component() {
  const { id = "" } = useParams();
  return (
    <>
      <PageHeader
        title={`Offboard ${nameOf(id)}`}
        about="Ends everything that hangs from a person, in one step, and switches them off."
      />
      {kindOf(id) === "user" ? (
        <Wizard key={id} person={id} />
      ) : (
        <EmptyState
          title="Only people are offboarded"
          hint="Switch services off, and end agents, on their own pages."
          action={<Link to={to.person(id)}>{id}</Link>}
        />
      )}
    </>
  );
}

function Wizard({ person }: { person: string }) {
  const params = { path: { id: person } };
  const look = useSend("post", "/v1/principals/{id}/offboard", { quiet: true });
  const end = useSend("post", "/v1/principals/{id}/offboard", {
    quiet: true,
    also: ["sessions", "approvals"],
  });
  const { mutate } = look;
  const lookAgain = () => mutate({ params, body: { dry_run: true } });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the wizard is made anew for each person.
  useEffect(lookAgain, []);

  if (end.data) return <Done person={person} left={end.data} />;
  if (look.error) return <ErrorState error={look.error} retry={lookAgain} />;
  if (!look.data) return <Skeleton height={240} />;
  return (
    <div className={classes.columns}>
      <Confirm
        person={person}
        pending={end.isPending}
        error={end.error}
        onSubmit={(reason) => end.mutate({ params, body: { dry_run: false, reason } })}
      />
      <div className={classes.stack}>
        <LeftoverList left={look.data} />
      </div>
    </div>
  );
}

interface ConfirmProps {
  person: string;
  pending: boolean;
  error: unknown;
  onSubmit: (reason: string | null) => void;
}

function Confirm({ person, pending, error, onSubmit }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const name = nameOf(person);
  const ready = typed.trim() === name;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (ready) onSubmit(reason.trim() || null);
  };
  return (
    <Section title="End all of it">
      <form onSubmit={submit}>
        <Stack gap="md">
          <Text size="sm">
            What is listed here ends within a second. It cannot be undone: tokens and agents have to
            be made anew. What was recorded stays on record.
          </Text>
          <Textarea
            label="Reason"
            description="It goes on record."
            autosize
            minRows={2}
            maxLength={500}
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
          <TextInput
            label={`Type ${name} to confirm`}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
          />
          {error !== null && <ErrorState error={error} />}
          <Group gap="xs">
            <Button
              type="submit"
              color="red"
              size="sm"
              leftSection={<IconUserOff size={15} aria-hidden />}
              disabled={!ready}
              loading={pending}
            >
              Offboard
            </Button>
            <Button component={Link} to={to.person(person)} size="sm" variant="default">
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

function Done({
  person,
  left,
}: {
  person: string;
  left: Parameters<typeof LeftoverList>[0]["left"];
}) {
  return (
    <div className={classes.stack}>
      <Alert color="green" icon={<IconCheck aria-hidden />} title={`${person} is offboarded`}>
        What is listed below has ended, and they are switched off.{" "}
        <Anchor component={Link} to={to.person(person)} underline="always">
          See how they stand
        </Anchor>
      </Alert>
      <LeftoverList left={left} over />
    </div>
  );
}
