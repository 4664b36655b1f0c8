// What is going on now: live sessions, and what waits for the caller.
import { Anchor, Skeleton, Text } from "@mantine/core";
import { Link } from "react-router";
import { useApi } from "@/api/query";
import { forMe } from "@/api/waiting";
import { to } from "@/app/to";
import { DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Section } from "@/ui/Section";
import { ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { inShort, isOperation } from "../approvals/approval";
import classes from "./home.module.css";
import { REFRESH_MS } from "./useOverview";

const SHOWN = 8;

export function LiveSessions() {
  const query = useApi(
    "/v1/sessions",
    { query: { live: true, limit: SHOWN } },
    { keep: true, refetchInterval: REFRESH_MS },
  );
  return (
    <Section
      title="Live sessions"
      plain
      actions={<Link to={to.liveSessions}>All live sessions</Link>}
    >
      <DataTable
        label="Live sessions"
        query={query}
        rows={query.data?.sessions}
        rowKey={(s) => s.id}
        rowHref={(s) => to.session(s.id)}
        columns={[
          { header: "Who", cell: (s) => <PrincipalName id={s.principal} /> },
          {
            header: "Where",
            cell: (s) => (
              <>
                {s.connection} <span className={classes.dim}>as {s.account}</span>
              </>
            ),
          },
          {
            header: "With",
            hideBelow: "lg",
            cell: (s) => (s.application ? <HostileText text={s.application} /> : "not said"),
          },
          { header: "Since", cell: (s) => <Timestamp at={s.started} /> },
        ]}
        empty={{
          title: "Nobody is connected",
          hint: (
            <>
              <Anchor component={Link} to={to.connections} underline="always">
                Connections
              </Anchor>{" "}
              says how to connect.
            </>
          ),
        }}
      />
    </Section>
  );
}

export function ForMe() {
  const { data, error, refetch } = useApi("/v1/approvals");
  const waiting = forMe(data?.approvals);
  return (
    <Section title="For you to decide" actions={<Link to={to.approvals}>All approvals</Link>}>
      {!waiting && error && <ErrorState error={error} retry={() => void refetch()} />}
      {!waiting && !error && <Skeleton height={40} />}
      {waiting?.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing waits for you.
        </Text>
      )}
      <ul className={classes.waiting}>
        {waiting?.slice(0, SHOWN).map((a) => (
          <li key={a.id}>
            <Link to={to.approval(a.id)} className={classes.waitingLink}>
              <HostileText mono={isOperation(a)} text={inShort(a)} />
            </Link>
            <Text size="xs" c="dimmed" component="div">
              <PrincipalName id={a.principal} owner={a.owner} /> on {a.connection},{" "}
              <Timestamp at={a.created} />
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  );
}
