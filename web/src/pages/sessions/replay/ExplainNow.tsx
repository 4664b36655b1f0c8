// What would be decided on an operation today, beside what was decided then. Nothing is run.
import { Alert, Loader, Text } from "@mantine/core";
import { useEffect } from "react";
import type { Schemas } from "@/api/client";
import { useSend } from "@/api/query";
import { CodeLine } from "@/ui/CodeLine";
import { Decision as DecisionBadge } from "@/ui/Decision";
import { HostileText } from "@/ui/HostileText";
import { ErrorState } from "@/ui/states";
import { PolicyNames } from "../PolicyNames";
import { type Decision, type MaskedColumn, policiesOf, type SessionOpened } from "../record/events";
import type { Operation } from "../record/record";
import { languageOf } from "../words";
import { Told } from "./Decided";
import classes from "./replay.module.css";

interface ExplainNowProps {
  op: Operation;
  decision: Decision;
  opened: SessionOpened;
}

export function ExplainNow({ op, decision, opened }: ExplainNowProps) {
  const { mutate, data, error } = useSend("post", "/v1/explain", { quiet: true });
  const { principal, connection, account, database, protocol } = opened;
  const operation = op.text;
  useEffect(() => {
    mutate({
      body: {
        as: principal,
        connection,
        account: account || null,
        database: database || null,
        operation,
      },
    });
  }, [mutate, principal, connection, account, database, operation]);
  if (error) return <ErrorState error={error} />;
  if (!data) return <Loader size="sm" mt="sm" aria-label="Asking" />;
  const connect = data.connect as unknown as Decision;
  return (
    <section className={`${classes.today} ${classes.stack}`} aria-label="Decided today">
      {connect.decision !== "allow" && (
        <Text size="sm" component="div">
          Connecting: <DecisionBadge decision={connect.decision} /> <Told decision={connect} />
        </Text>
      )}
      {data.statements.map((statement, at) => (
        <Today
          // biome-ignore lint/suspicious/noArrayIndexKey: statements go by their place.
          key={at}
          statement={statement}
          then={data.statements.length === 1 ? decision : null}
          protocol={protocol}
        />
      ))}
    </section>
  );
}

interface TodayProps {
  statement: Schemas["ExplainedStatement"];
  /** What was decided then; null where it was one of several statements. */
  then: Decision | null;
  protocol: string;
}

function Today({ statement, then, protocol }: TodayProps) {
  const today = statement.decision as unknown as Decision;
  const masked = statement.masked as unknown as MaskedColumn[];
  return (
    <div className={classes.list2}>
      {!then && <CodeLine code={statement.text} language={languageOf(protocol)} />}
      <div className={classes.titles}>
        <b>Today</b>
        <DecisionBadge decision={today.decision} />
        <Told decision={today} />
        {policiesOf(today).length > 0 && (
          <span>
            by <PolicyNames names={policiesOf(today)} />
          </span>
        )}
      </div>
      {then && <Compared then={then} today={today} />}
      {masked.length > 0 && (
        <span>
          Would be masked: <HostileText mono text={masked.map((m) => m.name).join(", ")} />
        </span>
      )}
      {statement.notes.map((note) => (
        <Text key={note} size="xs" c="dimmed">
          <HostileText text={note} />
        </Text>
      ))}
    </div>
  );
}

function Compared({ then, today }: { then: Decision; today: Decision }) {
  const same = then.decision === today.decision;
  const byTheSame = policiesOf(then).join() === policiesOf(today).join();
  if (same && byTheSame) return <span>The same as then.</span>;
  if (same) return <span>Decided the same way, by other policies.</span>;
  return (
    <Alert color="yellow" p="xs">
      Decided differently: it was {then.decision} then and is {today.decision} today.
    </Alert>
  );
}
