// Opens a session at a target and ends it at once, and shows how far that got.
import { Alert, Button, Text } from "@mantine/core";
import {
  IconCheck,
  IconCircleCheck,
  IconCircleX,
  IconPlugConnected,
  IconX,
} from "@tabler/icons-react";
import type { ApiError, Schemas } from "@/api/client";
import { useSend } from "@/api/query";
import { sentence } from "@/ui/resources/problems";
import { ErrorState } from "@/ui/states";
import { duration } from "@/ui/time";
import { visible } from "@/ui/visible";
import classes from "./connections.module.css";

const STEPS: Record<string, string> = {
  credential: "Read the credential",
  connect: "Connect",
  tls: "Agree on TLS",
  login: "Log in",
};

/** A test and the button for it, to be put apart. */
export function useTargetTest() {
  return useSend("post", "/v1/connections/test", { quiet: true });
}

type Test = ReturnType<typeof useTargetTest>;

export function TestButton({ test, onTest }: { test: Test; onTest: () => void }) {
  return (
    <Button
      variant="default"
      leftSection={<IconPlugConnected size={15} aria-hidden />}
      loading={test.isPending}
      onClick={onTest}
    >
      Test target
    </Button>
  );
}

export function TestResult({ test }: { test: Test }) {
  if (test.error) return <NotTested error={test.error} />;
  if (!test.data) return null;
  const { ok, steps } = test.data;
  return (
    <Alert
      role="status"
      color={ok ? "green" : "red"}
      icon={ok ? <IconCheck /> : <IconX />}
      title={ok ? "A session could be opened" : "No session could be opened"}
    >
      <ol className={classes.steps}>
        {steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </ol>
    </Alert>
  );
}

/** The file that problems are found in is made for the test alone, so that its lines say nothing to who fills in a form. */
function NotTested({ error }: { error: ApiError }) {
  if (error.problems.length === 0) return <ErrorState error={error} />;
  return (
    <Alert role="alert" color="red" icon={<IconX />} title="The target was not tried">
      {error.problems.map((problem) => (
        <Text key={sentence(problem)} size="sm">
          {sentence(problem)}
        </Text>
      ))}
    </Alert>
  );
}

function Step({ step }: { step: Schemas["TestStep"] }) {
  const Icon = step.ok ? IconCircleCheck : IconCircleX;
  const color = step.ok ? "var(--mantine-color-green-text)" : "var(--mantine-color-error)";
  return (
    <li>
      <Icon size={16} color={color} aria-hidden />
      <Text size="sm" component="span">
        <strong>
          {STEPS[step.name] ?? visible(step.name)}
          {step.ok ? "" : ": failed"}
        </strong>{" "}
        {step.detail && `${visible(step.detail)}, `}
        {duration(step.micros)}
      </Text>
    </li>
  );
}
