// Who is signed in, and the way out.
import { ActionIcon, Badge, Group, Menu, Text } from "@mantine/core";
import { IconCheck, IconClock, IconKey, IconLogout, IconUserCircle } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { to } from "@/app/to";
import { PrincipalName } from "@/ui/PrincipalName";
import { useExactTimes } from "@/ui/useExactTimes";

const FORM = "sign-out";

export function AccountMenu() {
  const me = useMe();
  const [exact, setExact] = useExactTimes();
  return (
    <>
      {/* Signing out is a form of the server, so that it also works where scripts went wrong. */}
      <form id={FORM} method="post" action="/signout" />
      <Menu position="bottom-end" width={260} withinPortal={false}>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Account: ${me.principal}`}
          >
            <IconUserCircle size={20} stroke={1.7} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Text size="sm" fw={600} component="div" c="var(--mantine-color-text)">
              <PrincipalName id={me.principal} />
            </Text>
            <Text size="xs">signed in with {me.way}</Text>
            <Group gap={4} mt={6}>
              {me.groups.map((group) => (
                <Badge key={group} size="sm" color="gray">
                  {group}
                </Badge>
              ))}
            </Group>
          </Menu.Label>
          <Menu.Divider />
          <Menu.Item
            component={Link}
            to={to.me}
            leftSection={<IconKey size={16} stroke={1.7} aria-hidden />}
          >
            My tokens
          </Menu.Item>
          <Menu.Item
            role="menuitemcheckbox"
            aria-checked={exact}
            leftSection={<IconClock size={16} stroke={1.7} aria-hidden />}
            rightSection={exact && <IconCheck size={14} aria-hidden />}
            onClick={() => setExact(!exact)}
          >
            Exact times
          </Menu.Item>
          <Menu.Item
            type="submit"
            form={FORM}
            closeMenuOnClick={false}
            leftSection={<IconLogout size={16} stroke={1.7} aria-hidden />}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
