// How the log is: whether it is as it was written, and whether the lists keep up with it.
import { Alert, Badge, Button, List } from "@mantine/core";
import { IconAlertTriangle, IconShieldCheck, IconShieldQuestion } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { useSend } from "@/api/query";
import { to } from "@/app/to";
import { CopyButton } from "@/ui/CopyButton";
import { Fact, Facts } from "@/ui/Facts";
import { count, counted } from "@/ui/numbers";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import { visible } from "@/ui/visible";
import classes from "./home.module.css";

type Standing = Schemas["LogStanding"];

export function LogStanding({ log }: { log: Standing }) {
  // The overview carries the standing, and belongs to another topic.
  const verify = useSend("post", "/v1/audit/verify", { also: ["health"] });
  return (
    <Section
      title="Log"
      aside={<Verdict log={log} />}
      actions={
        <Button
          variant="default"
          loading={verify.isPending}
          onClick={() => verify.mutate({})}
          title="Verifies everything that was ever recorded; this can take a while"
        >
          Verify now
        </Button>
      }
    >
      <div className={classes.parts}>
        {log.failing && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title="The log fails" py="xs">
            {visible(log.failing)}
          </Alert>
        )}
        {log.verified && !log.verified.ok && (
          <Alert
            color="red"
            icon={<IconAlertTriangle aria-hidden />}
            title="The log is not as it was written"
            py="xs"
          >
            <List size="sm">
              {log.verified.problems.slice(0, 5).map((problem) => (
                <List.Item key={problem}>{visible(problem)}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        <Facts>
          <Fact name="Verified">
            {log.verified ? (
              <>
                <Timestamp at={log.verified.at} />: {counted(log.verified.events, "event")} in{" "}
                {counted(log.verified.sessions, "session")}
              </>
            ) : (
              "not since the gateway started"
            )}
          </Fact>
          <Fact name="Gaps">
            {log.gaps === 0 ? (
              "none on record"
            ) : (
              <Badge color="red">{`${counted(log.gaps, "gap")}: something may be missing there`}</Badge>
            )}
          </Fact>
          <Fact name="Lists">
            {log.behind === 0
              ? "up to date with the log"
              : `${counted(log.behind, "entry", "entries")} behind the log`}
          </Fact>
          <Fact name="Size">{`${count(log.size)} entries`}</Fact>
          <Fact name="Root">
            {log.root && (
              <span className={classes.root}>
                <code>{`${log.root.slice(0, 16)}…`}</code>
                <CopyButton text={log.root} what="the root hash" />
              </span>
            )}
          </Fact>
        </Facts>
        <Link to={to.log}>Look through the log</Link>
      </div>
    </Section>
  );
}

function Verdict({ log }: { log: Standing }) {
  if (log.failing) {
    return (
      <Badge color="red" leftSection={<IconAlertTriangle size={13} aria-hidden />}>
        failing
      </Badge>
    );
  }
  if (!log.verified) {
    return (
      <Badge color="gray" leftSection={<IconShieldQuestion size={13} aria-hidden />}>
        not verified yet
      </Badge>
    );
  }
  return log.verified.ok ? (
    <Badge color="green" leftSection={<IconShieldCheck size={13} aria-hidden />}>
      intact
    </Badge>
  ) : (
    <Badge color="red" leftSection={<IconAlertTriangle size={13} aria-hidden />}>
      not intact
    </Badge>
  );
}
