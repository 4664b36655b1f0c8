// The identity providers: who vouches for people.
import { Button, Stack } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { bodyOf, type Resource, useResources } from "@/ui/resources/resources";
import { Section } from "@/ui/Section";
import { visible } from "@/ui/visible";
import { NEW } from "../ResourcePage";
import { KIND, provider } from "./provider";

const COLUMNS: Column<Resource>[] = [
  { header: "Name", cell: (r) => <HostileText text={r.name} /> },
  { header: "Title", cell: (r) => visible(provider(bodyOf(r)).title) },
  { header: "Speaks", cell: (r) => provider(bodyOf(r)).speaks },
  { header: "At", cell: (r) => visible(provider(bodyOf(r)).at) },
  {
    header: "Provisions",
    cell: (r) => (provider(bodyOf(r)).provisioner ? "with SCIM" : "no"),
    hideBelow: "md",
  },
];

export function Component() {
  const { query, resources } = useResources(KIND);
  const add = (
    <Button
      component={Link}
      to={to.identityProvider(NEW)}
      leftSection={<IconPlus size={15} aria-hidden />}
    >
      New identity provider
    </Button>
  );
  return (
    <Stack gap="md">
      <Section title="Identity providers" actions={add} plain>
        <DataTable
          label="Identity providers"
          query={query}
          rows={resources}
          rowKey={(r) => r.name}
          rowHref={(r) => to.identityProvider(r.name)}
          columns={COLUMNS}
          empty={{
            title: "No identity provider yet",
            hint: "Until there is one, people come with tokens that an administrator makes for them.",
            action: add,
          }}
        />
      </Section>
    </Stack>
  );
}
