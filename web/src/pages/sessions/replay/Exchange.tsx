// A request and its answer side by side; messages of a stream in the order they came.
import { Text, Title } from "@mantine/core";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { Timestamp } from "@/ui/Timestamp";
import type { Side } from "../record/events";
import { fieldOf } from "../record/har";
import type { Head, Operation, Part } from "../record/record";
import { Masked } from "./Answer";
import { type Body, bodyOf, isStream } from "./body";
import { Value } from "./OperationView";
import classes from "./replay.module.css";

export function Exchange({ op }: { op: Operation }) {
  const stream = isStream(op);
  return (
    <>
      <div className={classes.sides}>
        <Message title="Request" side="caller" op={op} head={op.caller} withBody={!stream} />
        <Message title="Answer" side="target" op={op} head={op.target} withBody={!stream} />
      </div>
      {stream && <Messages parts={op.parts} />}
      <Masked columns={op.answered?.masked ?? []} />
    </>
  );
}

interface MessageProps {
  title: string;
  side: Side;
  op: Operation;
  head: Head | null;
  withBody: boolean;
}

function Message({ title, side, op, head, withBody }: MessageProps) {
  return (
    <section className={classes.side} aria-label={title}>
      <Title order={3}>{title}</Title>
      {head ? (
        <>
          <CodeBlock
            code={head.line}
            language={side === "caller" ? "http" : undefined}
            label={`First line of the ${title}`}
          />
          <Fields fields={head.fields} />
        </>
      ) : (
        <Text size="sm" c="dimmed">
          {side === "target" ? "None is on record." : "Its beginning is not on record."}
        </Text>
      )}
      {withBody && (
        <BodyView
          body={bodyOf(op.parts, side, fieldOf(head?.fields, "content-type"))}
          title={title}
        />
      )}
    </section>
  );
}

function Fields({ fields }: { fields: [string, string][] }) {
  if (fields.length === 0) return null;
  return (
    <details className={classes.fields} open={fields.length <= 12}>
      <summary>{counted(fields.length, "header")}</summary>
      <table>
        <tbody>
          {fields.map(([name, value], at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a header may come more than once.
            <tr key={at}>
              <th scope="row">
                <HostileText text={name} />
              </th>
              <td>
                <HostileText text={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function BodyView({ body, title }: { body: Body | null; title: string }) {
  if (!body) return null;
  return (
    <>
      <CodeBlock code={body.text} language={body.language} label={`Body of the ${title}`} />
      {body.capped && (
        <Text size="xs" c="dimmed">
          More of it was not kept.
        </Text>
      )}
    </>
  );
}

function Messages({ parts }: { parts: Part[] }) {
  return (
    <section aria-label="Messages">
      <Title order={3} mb={6}>
        Messages
      </Title>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <ol className={classes.messages} tabIndex={0}>
        {parts.map((part, at) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: messages never move.
            key={at}
            className={`${classes.message} ${part.side === "target" ? classes.fromTarget : ""}`}
          >
            <Text size="xs" c="dimmed">
              {part.side === "caller" ? "Caller" : "Target"}, <Timestamp at={part.at} exactly />
            </Text>
            {typeof part.content === "object" && "text" in part.content ? (
              <CodeBlock
                code={part.content.text}
                language={/^\s*[[{]/.test(part.content.text) ? "json" : undefined}
                label={`Message ${at + 1}`}
                maxHeight={200}
              />
            ) : (
              <Value value={part.content} />
            )}
            {part.capped && (
              <Text size="xs" c="dimmed">
                More of it was not kept.
              </Text>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
