// Entries of the log, newest first. Long details open below their entry; gaps cannot be overlooked.
import { Alert, Skeleton, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconAlertTriangle, IconChevronRight } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";
import { Link } from "react-router";
import type { Answer } from "@/api/query";
import { to } from "@/app/to";
import { DiffView } from "@/ui/DiffView";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { diffOf, sizeOf, subjectHref, withTimes } from "./acts";
import classes from "./log.module.css";

type Entry = Answer<"/v1/log">["entries"][number];

// What is longer than this is cut to a line and opens.
const SHORT = 110;
const LOADING = ["a", "b", "c", "d", "e", "f", "g", "h"];

export function Entries({ entries, busy }: { entries: Entry[]; busy: boolean }) {
  return (
    <ol className={classes.entries} aria-label="Log" aria-busy={busy}>
      {entries.map((entry) => (
        <li key={entry.number}>
          {entry.act === "gap" ? <Gap entry={entry} /> : <Act entry={entry} />}
        </li>
      ))}
    </ol>
  );
}

function Gap({ entry }: { entry: Entry }) {
  return (
    <Alert
      color="red"
      radius={0}
      icon={<IconAlertTriangle />}
      title={
        <>
          Gap: something may be missing in <Subject subject={entry.subject} />
        </>
      }
    >
      <Text size="sm">
        <HostileText text={entry.detail} />
      </Text>
      <Text size="xs" mt={4}>
        <Timestamp at={entry.at} exactly />, entry {entry.number}
      </Text>
    </Alert>
  );
}

function Act({ entry }: { entry: Entry }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const { act } = entry;
  const detail = withTimes(entry.detail);
  const diff = diffOf(act, detail);
  const long = diff !== null || detail.length > SHORT || detail.includes("\n");
  return (
    <>
      <div className={classes.entry}>
        <span className={classes.time}>
          <Timestamp at={entry.at} exactly />
        </span>
        <span className={classes.who}>
          {entry.actor && <PrincipalName id={entry.actor} href={to.person(entry.actor)} />}
        </span>
        <code className={classes.act}>{act}</code>
        <span className={classes.what}>
          <Subject subject={entry.subject} />
          {detail !== "" && !long && (
            <span className={classes.detail}>
              <HostileText text={detail} />
            </span>
          )}
          {long && (
            <UnstyledButton
              className={classes.toggle}
              aria-expanded={open}
              aria-controls={id}
              onClick={() => setOpen(!open)}
            >
              <IconChevronRight
                size={14}
                className={open ? classes.turned : undefined}
                aria-hidden
              />
              <VisuallyHidden>Details:</VisuallyHidden>
              {diff ? sizeOf(diff) : <Beginning text={detail} />}
            </UnstyledButton>
          )}
        </span>
      </div>
      {long && open && (
        <div id={id} className={classes.more}>
          {diff ? (
            <DiffView lines={diff} label={`Change of ${entry.subject}`} />
          ) : (
            <p className={classes.text}>
              <HostileText text={detail} />
            </p>
          )}
          <Text size="xs" c="dimmed" mt={4}>
            Entry {entry.number}
          </Text>
        </div>
      )}
    </>
  );
}

function Beginning({ text }: { text: string }): ReactNode {
  return (
    <span className={classes.line}>
      <HostileText text={text.slice(0, 200).replace(/\s+/g, " ")} />
    </span>
  );
}

function Subject({ subject }: { subject: string }) {
  const href = subjectHref(subject);
  const name = <HostileText text={subject} />;
  return href ? <Link to={href}>{name}</Link> : name;
}

export function EntriesLoading() {
  return (
    <div className={classes.entries} aria-busy="true">
      {LOADING.map((key) => (
        <div key={key} className={classes.entry}>
          <Skeleton height={12} my={4} className={classes.loading} />
        </div>
      ))}
    </div>
  );
}
