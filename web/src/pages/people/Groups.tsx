// The groups that somebody is in, and who is in a group.
import { Badge, Group } from "@mantine/core";
import { to } from "@/app/to";
import { PrincipalName } from "@/ui/PrincipalName";
import classes from "./people.module.css";

const SHOWN = 6;

export function GroupBadges({ groups, all = false }: { groups: string[]; all?: boolean }) {
  if (groups.length === 0) return <span className={classes.dim}>none</span>;
  const shown = all ? groups : groups.slice(0, SHOWN);
  return (
    <Group gap={4}>
      {shown.map((group) => (
        <Badge key={group} color={group === "admins" ? "grape" : "gray"}>
          {group}
        </Badge>
      ))}
      {shown.length < groups.length && (
        <span className={classes.dim} title={groups.slice(SHOWN).join(", ")}>
          and {groups.length - shown.length} more
        </span>
      )}
    </Group>
  );
}

// A group of thousands is looked at in the list of users.
const MEMBERS = 20;

export function Members({ ids }: { ids: string[] }) {
  return (
    <span className={classes.members}>
      {ids.slice(0, MEMBERS).map((id) => (
        <PrincipalName key={id} id={id} href={to.person(id)} />
      ))}
      {ids.length > MEMBERS && <span className={classes.dim}>and {ids.length - MEMBERS} more</span>}
    </span>
  );
}
