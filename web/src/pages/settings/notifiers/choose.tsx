// Where the notifications of a new notifier go to: the file begins accordingly.
import { Anchor, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Link } from "react-router";
import { to } from "@/app/to";
import { INTEGRATIONS } from "./integrations";
import classes from "./notifiers.module.css";

export function Component() {
  return (
    <Stack gap="md">
      <Title order={2}>
        <Anchor component={Link} to={to.notifiers} inherit underline="always">
          Notifiers
        </Anchor>
        {" / new notifier"}
      </Title>
      <Text size="sm">Where should people be told?</Text>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
        {INTEGRATIONS.map(({ id, title, about }) => (
          <Link key={id} to={to.newNotifier(id)} className={classes.choice}>
            <strong>{title}</strong>
            <span>{about}</span>
          </Link>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
