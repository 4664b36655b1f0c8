// One identity provider: what it means here, what to register there, and its text.
import { Grid } from "@mantine/core";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { CopyButton } from "@/ui/CopyButton";
import { Fact, Facts } from "@/ui/Facts";
import { HostileText } from "@/ui/HostileText";
import { bodyOf, type Resource } from "@/ui/resources/resources";
import { Section } from "@/ui/Section";
import { duration, MICROS_PER_SECOND } from "@/ui/time";
import { visible } from "@/ui/visible";
import { ResourcePage } from "../ResourcePage";
import { BEGUN, KIND, type Provider, provider } from "./provider";

export function Component() {
  return (
    <ResourcePage
      kind={KIND}
      list="Identity providers"
      one="identity provider"
      back={to.identityProviders}
      begun={BEGUN}
      facts={(resource) => <ProviderFacts resource={resource} />}
    />
  );
}

function ProviderFacts({ resource }: { resource: Resource }) {
  const says = provider(bodyOf(resource));
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Section title="What it means here">
          <Meaning says={says} />
        </Section>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Section title="What to register there">
          <Addresses name={resource.name} says={says} />
        </Section>
      </Grid.Col>
    </Grid>
  );
}

function Meaning({ says }: { says: Provider }) {
  const groups = [
    says.groups && `from ${visible(says.groups)}`,
    says.prefix && `as ${visible(says.prefix)}...`,
    says.onlyMapped && "only those that are mapped",
  ];
  return (
    <Facts>
      <Fact name="Speaks">{says.speaks}</Fact>
      <Fact name="At">{visible(says.at)}</Fact>
      <Fact name="Client">{visible(says.client)}</Fact>
      <Fact name="Names">{says.name && `from ${visible(says.name)}`}</Fact>
      <Fact name="Only from">{visible(says.domains.join(", "))}</Fact>
      <Fact name="Groups">{groups.filter(Boolean).join(", ")}</Fact>
      <Fact name="Mapped">
        {says.mapped.length > 0 &&
          says.mapped.map(([from, into]) => (
            <div key={from}>
              <HostileText text={from} /> is <HostileText text={into} />
            </div>
          ))}
      </Fact>
      <Fact name="Provisions">
        {says.provisioner && `with SCIM, as service:${visible(says.provisioner)}`}
      </Fact>
      <Fact name="Asked again">
        {says.refreshSeconds !== undefined &&
          `every ${duration(says.refreshSeconds * MICROS_PER_SECOND)}`}
      </Fact>
      <Fact name="Sign-in lasts">
        {says.sessionHours !== undefined && `${says.sessionHours} h`}
      </Fact>
      <Fact name="Vouches">
        {says.vouchedHours !== undefined && `${says.vouchedHours} h for somebody's agents`}
      </Fact>
    </Facts>
  );
}

function Addresses({ name, says }: { name: string; says: Provider }) {
  const base = useApi("/v1/settings").data?.public_url.replace(/\/$/, "") ?? location.origin;
  const at = `${base}/signin/${encodeURIComponent(name)}`;
  const rows: [string, string][] =
    says.speaks === "SAML 2.0"
      ? [
          ["Metadata", `${at}/metadata`],
          ["Answers", `${at}/acs`],
          ["Sign-out", `${at}/slo`],
        ]
      : [
          ["Redirect", `${at}/callback`],
          ["Back-channel logout", `${at}/backchannel-logout`],
          ["After logout", `${base}/signin`],
        ];
  if (says.provisioner) rows.push(["SCIM", `${base}/scim/v2`]);
  return (
    <Facts>
      {rows.map(([label, address]) => (
        <Fact key={label} name={label}>
          {visible(address)} <CopyButton text={address} what={label} />
        </Fact>
      ))}
    </Facts>
  );
}
