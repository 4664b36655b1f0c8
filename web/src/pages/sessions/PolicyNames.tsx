// Policies by name. Administrators get links to them.
import { Anchor } from "@mantine/core";
import { Fragment } from "react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { HostileText } from "@/ui/HostileText";

interface PolicyNamesProps {
  names: string[];
}

export function PolicyNames({ names }: PolicyNamesProps) {
  const { admin } = useMe();
  return names.map((name, at) => (
    <Fragment key={name}>
      {at > 0 && ", "}
      {admin ? (
        <Anchor component={Link} to={to.policy(name)} underline="always" inherit>
          <HostileText text={name} />
        </Anchor>
      ) : (
        <HostileText text={name} />
      )}
    </Fragment>
  ));
}
