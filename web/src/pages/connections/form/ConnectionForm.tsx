// The fields of a connection. Which there are depends on its protocol.
import { Radio, Select, Stack } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { useApi } from "@/api/query";
import {
  LabelsAt,
  NumberAt,
  PARTS,
  SelectAt,
  SwitchAt,
  TextAt,
  TextsAt,
} from "@/ui/resources/fields";
import { get, useForm } from "@/ui/resources/form";
import { Section } from "@/ui/Section";
import { visible } from "@/ui/visible";
import { each } from "../find";
import { Accounts } from "./Accounts";
import { FormProblem } from "./FormProblem";
import classes from "./form.module.css";
import { ProtocolSettings } from "./ProtocolSettings";

type Protocol = Schemas["ProtocolInfo"];

const TLS = [
  { value: "verify-full", label: "verify-full: all is checked" },
  { value: "verify-ca", label: "verify-ca: all but the host name" },
  { value: "require", label: "require: any certificate" },
  { value: "disable", label: "disable: not encrypted" },
];
const ZONES = Intl.supportedValuesOf("timeZone");

export function ConnectionForm({ existing }: { existing: boolean }) {
  const { body } = useForm();
  const protocols = useApi("/v1/protocols").data?.protocols ?? [];
  const protocol = protocols.find((p) => p.name === body.protocol);
  return (
    <Stack gap="md">
      <Basics existing={existing} protocols={protocols} />
      <Target protocol={protocol} />
      <Section title="Accounts">
        <Accounts protocol={protocol} />
      </Section>
      {protocol && protocol.settings.length > 0 && (
        <Section title={`Settings of ${protocol.name}`}>
          <FormProblem path={["settings"]} />
          <ProtocolSettings settings={protocol.settings} />
        </Section>
      )}
      <Section title="Masking and approvals">
        <div className={classes.fields}>
          <SwitchAt
            path={["strict_masking"]}
            label="Strict masking"
            description="Values whose origin cannot be told are redacted while any data class is hidden."
            usual
          />
          <NumberAt
            path={["hold_timeout_seconds"]}
            label="A held operation waits"
            description="In seconds, up to a day. The request stays open after that."
            usual={600}
            suffix=" s"
          />
        </div>
      </Section>
    </Stack>
  );
}

function Basics({ existing, protocols }: { existing: boolean; protocols: Protocol[] }) {
  const { body, change, error } = useForm();
  const connections = useApi("/v1/connections").data?.connections ?? [];
  return (
    <Section title="Connection">
      <div className={classes.fields}>
        <TextAt
          path={["name"]}
          label="Name"
          description={
            existing ? "Another name would make another connection." : "What callers connect to."
          }
          placeholder="shop"
          required
          disabled={existing}
        />
        <Select
          label="Protocol"
          inputWrapperOrder={PARTS}
          description={visible(protocols.find((p) => p.name === body.protocol)?.doc ?? "")}
          withAsterisk
          data={protocols.map((p) => p.name)}
          value={typeof body.protocol === "string" ? body.protocol : null}
          allowDeselect={false}
          error={error(["protocol"])}
          onChange={(v) => v && change(["protocol"], v)}
        />
        <TextAt
          path={["environment"]}
          label="Environment"
          description="Policies speak about it."
          placeholder="prod"
          required
          suggestions={each(connections.map((c) => c.environment))}
        />
        <LabelsAt
          path={["labels"]}
          label="Labels"
          description='Such as team=payments; policies see Label::"team=payments".'
          placeholder="team=payments"
        />
        <TextAt
          path={["time_zone"]}
          label="Time zone"
          description="What the clock of policies says; UTC where empty."
          placeholder="Europe/Berlin"
          suggestions={ZONES}
        />
      </div>
    </Section>
  );
}

function Target({ protocol }: { protocol: Protocol | undefined }) {
  const port = protocol?.default_port;
  return (
    <Section title="Target">
      <FormProblem path={["target"]} />
      <div className={classes.fields}>
        <TextAt
          path={["target", "address"]}
          label="Address"
          description={port ? `Host and port; port ${port} where there is none.` : "Host and port."}
          placeholder={`db.internal:${port ?? 5432}`}
          required
        />
        {protocol?.has_databases && (
          <TextAt
            path={["target", "database"]}
            label="Default database"
            description="For callers that name none."
          />
        )}
        <SelectAt
          path={["target", "tls"]}
          label="TLS to the target"
          choices={TLS}
          usual="verify-full"
        />
        <TextAt
          path={["target", "ca_file"]}
          label="CA file"
          description="PEM, to trust instead of the system's."
        />
        <TextAt path={["target", "client_cert_file"]} label="Client certificate file" />
        <TextAt path={["target", "client_key_file"]} label="Client key file" />
        {protocol?.has_databases && <Databases />}
      </div>
    </Section>
  );
}

function Databases() {
  const { body, change } = useForm();
  const listed = Array.isArray(get(body, ["databases"]));
  return (
    <div className={classes.wide}>
      <Radio.Group
        label="Other databases of the target"
        description="Callers name them as connection/database."
        value={listed ? "listed" : "any"}
        onChange={(v) => change(["databases"], v === "listed" ? [] : undefined)}
      >
        <Stack gap={6} mt={6}>
          <Radio value="any" label="Any of them" />
          <Radio value="listed" label="Only these" />
        </Stack>
      </Radio.Group>
      {listed && <TextsAt path={["databases"]} label="Databases" placeholder="reports" keepEmpty />}
    </div>
  );
}
