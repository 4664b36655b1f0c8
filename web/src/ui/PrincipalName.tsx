// Who acts: `user:ada`, `service:ci`, `agent:helper`, with an icon for the kind.

import { VisuallyHidden } from "@mantine/core";
import { IconRobot, IconServer, IconUser } from "@tabler/icons-react";
import { Link } from "react-router";
import { HostileText } from "./HostileText";
import { nameOf } from "./principal";
import classes from "./ui.module.css";

const ICONS = { user: IconUser, service: IconServer, agent: IconRobot };

interface PrincipalNameProps {
  /** `user:ada`. */
  id: string;
  /** Of an agent: who answers for it. */
  owner?: string | null;
  /** Where the name leads. */
  href?: string;
}

export function PrincipalName({ id, owner, href }: PrincipalNameProps) {
  const [kind = "", ...rest] = id.split(":");
  const Icon = ICONS[kind as keyof typeof ICONS] ?? IconUser;
  const name = <HostileText text={rest.length > 0 ? rest.join(":") : id} />;
  return (
    <span className={classes.principal} title={id}>
      <Icon size={15} stroke={1.8} aria-hidden />
      {rest.length > 0 && <VisuallyHidden>{kind} </VisuallyHidden>}
      {href ? <Link to={href}>{name}</Link> : name}
      {owner && (
        <span className={classes.dim}>
          {" "}
          for <HostileText text={nameOf(owner)} />
        </span>
      )}
    </span>
  );
}
