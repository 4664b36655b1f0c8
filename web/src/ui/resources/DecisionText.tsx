// A decision with its reason: which policy, whose consent.
import { Anchor, Group, Text } from "@mantine/core";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { Decision } from "../Decision";
import { HostileText } from "../HostileText";
import { visible } from "../visible";
import { consent, decided, policiesOf } from "./decided";

export function DecisionText({ value }: { value: unknown }) {
  const told = decided(value);
  const policies = policiesOf(told);
  return (
    <Group gap={8} align="baseline">
      <Decision decision={told.decision} />
      <Text size="sm" component="span">
        {told.decision === "ask" && `once ${visible(consent(told))} agrees `}
        {told.decision === "deny" && told.message && `${visible(told.message)} `}
        {policies.length > 0 && <Policies ids={policies} />}
      </Text>
    </Group>
  );
}

/** Their names, for administrators with the way to them. */
export function Policies({ ids }: { ids: string[] }) {
  const { admin } = useMe();
  return (
    <Text size="xs" c="dimmed" component="span">
      {ids.map((id, at) => (
        <span key={id}>
          {at > 0 && ", "}
          {admin ? (
            <Anchor component={Link} to={to.policy(id)} size="xs" underline="always">
              <HostileText text={id} />
            </Anchor>
          ) : (
            <HostileText text={id} />
          )}
        </span>
      ))}
    </Text>
  );
}
