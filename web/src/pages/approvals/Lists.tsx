// The tables of approvals: waiting for others, one's own, what holds now, and what is over.
import { Button } from "@mantine/core";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { Section } from "@/ui/Section";
import type { EmptyProps } from "@/ui/states";
import { useFilters } from "@/ui/useFilters";
import { useNow } from "@/ui/useNow";
import { usePaged } from "@/ui/usePaged";
import { type Approval, holds, holdsLonger } from "./approval";
import classes from "./approvals.module.css";
import { EndButton, TakeBackButton } from "./Buttons";
import { act, asked, ends, needs, outcome, state, what, where, who } from "./columns";
import { type ApprovalsQuery, useAll } from "./useApprovals";

export function Others({ query }: { query: ApprovalsQuery }) {
  const { principal } = useMe();
  const rows = query.data?.approvals.filter(
    (a) => a.state === "pending" && !a.may_decide && a.principal !== principal,
  );
  return (
    <ApprovalTable
      label="Waiting for others"
      query={query}
      rows={rows}
      columns={[what, who, where, needs, asked, ends]}
      empty={{
        title: "Nothing waits for others",
        hint: "Requests that you see but cannot decide stand here.",
      }}
    />
  );
}

export function Mine() {
  const { principal } = useMe();
  const query = useAll();
  const now = useNow();
  const rows = query.data?.approvals.filter(
    (a) => a.principal === principal || a.owner === principal,
  );
  return (
    <ApprovalTable
      label="My requests"
      query={query}
      rows={rows}
      columns={[
        what,
        who,
        where,
        state(now),
        needs,
        asked,
        act((a) => (
          <>
            <TakeBackButton approval={a} />
            <EndButton approval={a} nowMs={now} />
          </>
        )),
      ]}
      empty={{
        title: "You have asked for nothing",
        hint: "What you do and what has to wait for an approval stands here, with what your agents ask for. You can also ask ahead.",
        action: (
          <Button component={Link} to={to.requestAccess()} variant="default">
            Request access
          </Button>
        ),
      }}
    />
  );
}

export function Windows({ query }: { query: ApprovalsQuery }) {
  const now = useNow();
  const granted = query.data?.approvals.filter((a) => holds(a, now));
  const unused = granted?.filter((a) => !holdsLonger(a, now)) ?? [];
  const columns = [
    what,
    who,
    where,
    outcome,
    ends,
    act((a) => <EndButton approval={a} nowMs={now} />),
  ];
  return (
    <div className={classes.groups}>
      <ApprovalTable
        label="Open windows"
        query={query}
        rows={granted?.filter((a) => holdsLonger(a, now))}
        columns={columns}
        empty={{
          title: "No window is open",
          hint: "Approvals for a window of time or for a session stand here while they hold, and can be ended.",
        }}
      />
      {unused.length > 0 && (
        <Section title="Approved once, not used yet" plain>
          <ApprovalTable
            label="Approved once, not used yet"
            query={query}
            rows={unused}
            columns={columns}
            empty={{ title: "Nothing" }}
          />
        </Section>
      )}
    </div>
  );
}

export function Decided() {
  const query = useAll();
  const now = useNow();
  const filters = useFilters("text", "state");
  const { text = "", state: wanted } = filters.values;
  const words = text.toLowerCase();
  const rows = query.data?.approvals.filter(
    (a) =>
      a.state !== "pending" &&
      (!wanted || a.state === wanted) &&
      [a.id, a.principal, a.owner, a.connection, a.text, a.reason, a.refusal]
        .join("\n")
        .toLowerCase()
        .includes(words),
  );
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[
          { kind: "text", name: "text", label: "Who, where or what" },
          { kind: "choice", name: "state", label: "Outcome", options: OUTCOMES },
        ]}
      />
      <ApprovalTable
        label="Decided"
        query={query}
        rows={rows}
        columns={[what, who, where, state(now), outcome, asked]}
        empty={
          filters.any
            ? { title: "Nothing like that", hint: "Change the filters." }
            : { title: "Nothing was decided yet", hint: "The newest thousand stay here." }
        }
      />
    </>
  );
}

const OUTCOMES = [
  { value: "approved", label: "Approved" },
  { value: "spent", label: "Used or ended" },
  { value: "denied", label: "Denied" },
  { value: "cancelled", label: "Withdrawn" },
  { value: "expired", label: "Expired" },
];

interface ApprovalTableProps {
  label: string;
  query: ApprovalsQuery;
  rows: Approval[] | undefined;
  columns: (typeof what)[];
  empty: EmptyProps;
}

function ApprovalTable({ label, query, rows, columns, empty }: ApprovalTableProps) {
  const page = usePaged(rows);
  return (
    <DataTable
      label={label}
      query={query}
      rows={page.rows}
      columns={columns}
      rowKey={(a) => a.id}
      rowHref={(a) => to.approval(a.id)}
      older={page.older}
      empty={empty}
    />
  );
}
