// How the log is: its size and root, gaps, and whether everything on record is as it was written.
import { Alert, Anchor, Button, Group, List, Loader, Text } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { useApi, useSend } from "@/api/query";
import { CodeBlock } from "@/ui/CodeBlock";
import { CopyButton } from "@/ui/CopyButton";
import { HostileText } from "@/ui/HostileText";
import { count, counted } from "@/ui/numbers";
import { Section } from "@/ui/Section";
import { Stat } from "@/ui/Stat";
import { ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { duration } from "@/ui/time";
import classes from "./log.module.css";

// The lists are a second behind; what is more than this is worth a word.
const MUCH_BEHIND = 1_000;

export function Standing() {
  const { data, error, refetch } = useApi("/v1/audit");
  const verify = useSend("post", "/v1/audit/verify", { quiet: true });
  const failed = error && !data;
  // What went wrong last stays in sight until a verification finds everything intact.
  const wrong = data?.verified?.ok === false ? data.verified : undefined;
  const report = verify.data ?? wrong;
  return (
    <div className={classes.standing}>
      <Section
        title="State of the log"
        actions={
          <Button
            variant="default"
            leftSection={<IconShieldCheck size={14} aria-hidden />}
            loading={verify.isPending}
            onClick={() => verify.mutate({})}
          >
            Verify everything
          </Button>
        }
      >
        {failed ? (
          <ErrorState error={error} retry={() => void refetch()} />
        ) : (
          <Numbers standing={data} />
        )}
        {verify.isPending && <Verifying />}
        {verify.error && <ErrorState error={verify.error} />}
        {report && !verify.isPending && <Result report={report} />}
        <Offline />
      </Section>
    </div>
  );
}

function Numbers({ standing }: { standing: Schemas["LogStanding"] | undefined }) {
  return (
    <>
      {standing?.failing && (
        <Alert color="red" mb="sm" title="The log cannot be written or signed" role="alert">
          <HostileText text={standing.failing} />. Nothing is done that cannot be recorded.
        </Alert>
      )}
      <div className={classes.stats}>
        <Stat
          label="Entries"
          value={standing ? count(standing.size) : "–"}
          note={standing && behind(standing.behind)}
        />
        <Stat
          label="Root hash"
          value={
            <span className={classes.root}>
              <code>{standing ? `${standing.root.slice(0, 16)}…` : "–"}</code>
              {standing && <CopyButton text={standing.root} what="the root hash" />}
            </span>
          }
          note="of the latest signed checkpoint"
        />
        <Stat
          label="Gaps"
          value={standing ? count(standing.gaps) : "–"}
          note={
            standing && standing.gaps > 0 ? (
              <Anchor component={Link} to="?act=gap" size="xs" underline="always">
                something may be missing there
              </Anchor>
            ) : (
              "nothing is known to be missing"
            )
          }
        />
        <Stat
          label="Last verified"
          value={<Last verified={standing?.verified} />}
          note={noteOf(standing)}
        />
      </div>
    </>
  );
}

function behind(entries: number): string {
  if (entries === 0) return "all of them in the lists";
  const words = `${counted(entries, "entry", "entries")} not in the lists yet`;
  return entries > MUCH_BEHIND ? `${words}: searches miss them` : words;
}

function Last({ verified }: { verified: Schemas["Verified"] | null | undefined }) {
  if (!verified) return "not yet";
  const Icon = verified.ok ? IconShieldCheck : IconShieldX;
  return (
    <span className={`${classes.last} ${verified.ok ? classes.good : classes.bad}`}>
      <Icon size={22} aria-hidden />
      {verified.ok ? "intact" : "changed"}
    </span>
  );
}

function noteOf(standing: Schemas["LogStanding"] | undefined) {
  const verified = standing?.verified;
  if (!verified) return "since the gateway was started";
  return (
    <>
      <Timestamp at={verified.at} />, {counted(verified.sessions, "session")}
      {!verified.ok && `, ${counted(verified.problems.length, "problem")}`}
    </>
  );
}

const SECOND_MS = 1_000;

function Verifying() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((s) => s + 1), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Group gap="sm" mt="sm" role="status">
      <Loader size="xs" aria-hidden />
      <Text size="sm">
        Reading every record and the log over them, {duration(seconds * 1_000_000)}. It can take
        minutes; you may go on meanwhile, the result stands here afterwards.
      </Text>
    </Group>
  );
}

function Result({ report }: { report: Schemas["AuditReport"] }) {
  return (
    <Alert
      mt="sm"
      role="status"
      color={report.ok ? "green" : "red"}
      icon={report.ok ? <IconShieldCheck /> : <IconShieldX />}
      title={report.ok ? "Everything is as it was written" : "Something was changed or is missing"}
    >
      <Text size="sm">
        {counted(report.sessions, "session")}, {counted(report.events, "event")} checked.
      </Text>
      <List size="sm" className={classes.problems}>
        {report.problems.map((problem) => (
          <List.Item key={problem}>
            <HostileText text={problem} />
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

const COMMANDS = `# on the gateway's host, or over a copy of its data directory
sluice audit verify --data-dir /var/lib/sluice

# with the public key that you kept elsewhere
sluice audit verify --data-dir ./copy --key "$(cat log.pub)"`;

function Offline() {
  return (
    <details className={classes.offline}>
      <summary>Verify without trusting the gateway</summary>
      <Text size="sm" my="xs">
        The same check needs nothing but the files and the log's public key. It names the session,
        the event and the byte that were changed, moved or removed.
      </Text>
      <CodeBlock code={COMMANDS} label="Commands to verify offline" />
    </details>
  );
}
