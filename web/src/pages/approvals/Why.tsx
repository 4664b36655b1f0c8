// Which policies permit it once people agree.
import { Badge, Text } from "@mantine/core";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import type { Approval } from "./approval";

export function Why({ approval }: { approval: Approval }) {
  const { policies = [], window_seconds: ahead, connection } = approval;
  if (policies.length === 0 && !ahead) return null;
  return (
    <Text size="sm" component="div">
      {policies.length > 0 ? (
        <>
          {permission(approval)}{" "}
          {policies.map((id) => (
            <Policy key={id} id={id} />
          ))}
        </>
      ) : (
        `No policy is named: a window opens everything on ${connection} that a policy permits once it is approved.`
      )}
    </Text>
  );
}

function permission({ state }: Approval): string {
  if (state === "pending") return "Once approved, it is permitted by";
  const agreed = state === "approved" || state === "spent";
  return agreed ? "Permitted by" : "It would have been permitted by";
}

function Policy({ id }: { id: string }) {
  const { admin } = useMe();
  // Only administrators read policies.
  return admin ? (
    <Badge component={Link} to={to.policy(id)} color="gray" mr={4}>
      {id}
    </Badge>
  ) : (
    <Badge color="gray" mr={4}>
      {id}
    </Badge>
  );
}
