// Asks what an approval is for and repeats who, what and where, so that nothing is approved by one tap.
import { Alert, Radio, Stack } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { type Approval, type ApproveScope, MAX_WINDOW_SECONDS, seconds } from "../approval";
import { Recap } from "../Recap";
import { choicesFor, type Kind } from "../scopes";
import { WindowField } from "../WindowField";
import type { FormProps } from "./DecideDialog";
import { Foot } from "./Foot";

// The sheet opens below the thumb that opened it; a second tap must not go through.
const GUARD_MS = 600;
const HOUR = 3_600;

export function ApproveForm({ approval, onClose, phone, decision }: FormProps) {
  const most = approval.window_seconds ?? MAX_WINDOW_SECONDS;
  const [kind, setKind] = useState<Kind>("once");
  const [length, setLength] = useState<number | null>(Math.min(HOUR, most));
  const ready = useReady();

  const scope: ApproveScope | null =
    kind !== "window" ? kind : length ? { window: { seconds: length } } : null;
  const choice = choicesFor(approval).find((c) => c.kind === kind);
  const verb = kind === "window" ? `Approve for ${length ? seconds(length) : "..."}` : choice?.verb;
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (scope) decision.approve(scope);
      }}
    >
      <Stack gap="md">
        <Recap approval={approval} />
        {!decision.over && (
          <Scopes approval={approval} kind={kind} choose={setKind}>
            <WindowField label="How long" most={most} value={length} onChange={setLength} />
          </Scopes>
        )}
        <Others approval={approval} />
        <Foot
          decision={decision}
          verb={verb ?? "Approve"}
          color="green"
          ready={ready && scope !== null}
          focus
          phone={phone}
          onClose={onClose}
        />
      </Stack>
    </form>
  );
}

interface ScopesProps {
  approval: Approval;
  kind: Kind;
  choose: (kind: Kind) => void;
  /** How long a window lasts. */
  children: ReactNode;
}

function Scopes({ approval, kind, choose, children }: ScopesProps) {
  return (
    <Radio.Group
      label="What for"
      value={kind}
      onChange={(value) => choose(value as Kind)}
      name="scope"
    >
      <Stack gap={8} mt={6}>
        {choicesFor(approval).map(({ kind: value, label, about }) => (
          <Choice key={value} value={value} label={label} about={about}>
            {value === "window" && kind === "window" && children}
          </Choice>
        ))}
      </Stack>
    </Radio.Group>
  );
}

function Others({ approval: { people, given } }: { approval: Approval }) {
  if (people - given.length <= 1) return null;
  return (
    <Alert color="blue" py="xs">
      {`${people} people have to agree; ${given.length} did so far. The narrowest of what all of you give holds.`}
    </Alert>
  );
}

function Choice(props: { value: Kind; label: string; about: string; children?: ReactNode }) {
  const { value, label, about, children } = props;
  return (
    <div>
      <Radio value={value} label={label} description={about} size="sm" />
      {children && <div style={{ margin: "8px 0 0 32px" }}>{children}</div>}
    </div>
  );
}

function useReady(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setReady(true), GUARD_MS);
    return () => clearTimeout(timer);
  }, []);
  return ready;
}
