// What an operation brings along. Values of a data class come masked.
import { useState } from "react";
import { CodeBlock } from "@/ui/CodeBlock";
import { HostileText } from "@/ui/HostileText";
import { counted } from "@/ui/numbers";
import { Unfold } from "@/ui/Unfold";
import type { Approval } from "./approval";
import classes from "./approvals.module.css";
import { type Value, valuesOf } from "./named";

// More than these are asked for; one more than shown is not worth a button.
const SHOWN = 10;
// A value that is longer, or has several lines, gets a block that can be unfolded.
const SHORT = 200;
const ROWS = 12;

export function Values({ approval }: { approval: Approval }) {
  const [all, setAll] = useState(false);
  const values = valuesOf(approval);
  if (values.length === 0) return null;
  const folds = values.length > SHOWN + 1;
  const shown = folds && !all ? values.slice(0, SHOWN) : values;
  return (
    <div>
      <dl className={classes.values} aria-label={nameOf(approval)}>
        {shown.map((value) => (
          <div key={value.name}>
            <dt>{value.name}</dt>
            <dd>
              <Shown value={value} of={approval.id} />
            </dd>
          </div>
        ))}
      </dl>
      {folds && (
        <Unfold
          open={all}
          more={`${counted(values.length - SHOWN, "parameter")} not shown. Show all ${values.length}`}
          less="Show fewer"
          toggle={() => setAll(!all)}
        />
      )}
    </div>
  );
}

const nameOf = ({ protocol }: Approval) =>
  protocol === "http" ? "What is sent with it" : "Parameters";

function Shown({ value: { name, text, language }, of }: { value: Value; of: string }) {
  if (text === null) return <span className={classes.null}>NULL</span>;
  if (text === "") return <span className={classes.null}>empty text</span>;
  if (language || text.length > SHORT || text.includes("\n")) {
    return <CodeBlock code={text} language={language} label={`${name} of ${of}`} rows={ROWS} />;
  }
  return <HostileText mono text={text} />;
}
