// One operation in full: what was asked, what was decided and why, and what the caller got.
import { Alert, Button, Text, Title } from "@mantine/core";
import { useState } from "react";
import { CodeBlock } from "@/ui/CodeBlock";
import { Decision } from "@/ui/Decision";
import { HostileText } from "@/ui/HostileText";
import { bytes, counted } from "@/ui/numbers";
import { ErrorState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { duration } from "@/ui/time";
import { type RecordedValue, type SessionOpened, valueText } from "../record/events";
import { notRun } from "../record/notRun";
import type { Operation } from "../record/record";
import { readAgain } from "../record/useRecord";
import { languageOf } from "../words";
import { Answer } from "./Answer";
import { Decided } from "./Decided";
import { Exchange } from "./Exchange";
import { NotRun } from "./NotRun";
import classes from "./replay.module.css";

interface OperationViewProps {
  op: Operation;
  session: string;
  opened: SessionOpened | null;
}

export function OperationView({ op: shown, session, opened }: OperationViewProps) {
  const [whole, setWhole] = useState<Operation>();
  const op = whole ?? shown;
  const message = op.caller !== null || op.target !== null;
  return (
    <article className={classes.stack} aria-label={`Operation ${op.op}`}>
      <div className={classes.titles}>
        <Title order={2}>#{op.op}</Title>
        {op.decision && <Decision decision={op.decision.decision} />}
        <Text size="sm" c="dimmed" component="span">
          <Timestamp at={op.at} exactly />
        </Text>
      </div>
      {!message && (
        <CodeBlock
          code={op.text}
          language={languageOf(opened?.protocol)}
          label="Statement"
          maxHeight={320}
        />
      )}
      {op.parameters.length > 0 && <Parameters values={op.parameters} />}
      <Decided op={op} opened={opened} />
      {op.left && <LeftOut op={op.op} session={session} onRead={setWhole} />}
      {message ? <Exchange op={op} /> : <Answer op={op} />}
      <Ended op={op} />
    </article>
  );
}

function Parameters({ values }: { values: RecordedValue[] }) {
  return (
    <div>
      <Title order={3} mb={4}>
        Parameters
      </Title>
      <div className={classes.grid}>
        <table aria-label="Parameters">
          <tbody>
            {values.map((value, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parameters go by their place.
              <tr key={at}>
                <th scope="row">${at + 1}</th>
                <td>
                  <Value value={value} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

export function Value({ value }: { value: RecordedValue }) {
  if (typeof value === "object" && "text" in value) return <HostileText text={value.text} />;
  return <span className={classes.nothing}>{valueText(value)}</span>;
}

/** How it ended, in one line. */
function Ended({ op }: { op: Operation }) {
  const { answered, hold } = op;
  const wait = notRun(op);
  if (hold && wait !== null) return <NotRun hold={hold} wait={wait} />;
  if (!answered) {
    if (op.decision?.decision !== "allow") return null;
    return (
      <Text size="sm" c="dimmed">
        No answer is on record: it still runs, or the session ended first.
      </Text>
    );
  }
  const { outcome, rows, bytes: size, micros } = answered;
  // What has no rows is told by its bytes.
  const rowsToo = rows > 0 || size === 0 ? `${counted(rows, "row")}, ` : "";
  const numbers = `${rowsToo}${bytes(size)}, ${duration(micros)}`;
  if ("done" in outcome) {
    return (
      <Text size="sm">
        <b>
          <HostileText text={outcome.done} />
        </b>
        , {numbers}
      </Text>
    );
  }
  const failed = "failed" in outcome;
  return (
    <Alert color="red" title={failed ? "The target refused" : "Cut by the gateway"}>
      <Text size="sm">
        <HostileText text={failed ? outcome.failed : outcome.cut} />, {numbers}
      </Text>
    </Alert>
  );
}

interface LeftOutProps {
  op: number;
  session: string;
  onRead: (op: Operation) => void;
}

/** Very large records do not fit into a tab; the content of one operation always does. */
function LeftOut({ op, session, onRead }: LeftOutProps) {
  const [reading, setReading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const read = () => {
    setReading(true);
    readAgain(session, op)
      .then((record) => {
        const found = record.get(op);
        if (found) onRead(found);
      }, setError)
      .finally(() => setReading(false));
  };
  if (error !== null) return <ErrorState error={error} retry={read} />;
  return (
    <Alert color="gray" title="This record is large, so that not all of it was kept here">
      <Button variant="default" loading={reading} onClick={read}>
        Read this operation
      </Button>
    </Alert>
  );
}
