// The logins at the target, which callers pick by name and never see.
import { Button, Group, Radio, Select, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { Schemas } from "@/api/client";
import { SecretAt, TextAt, TextsAt } from "@/ui/resources/fields";
import { get, type Path, useForm } from "@/ui/resources/form";
import { type Fields, isFields } from "@/ui/resources/yaml";
import { visible } from "@/ui/visible";
import { CREDENTIALS, type CredentialField, credentialOf, withCredential } from "./credentials";
import { FormProblem } from "./FormProblem";
import classes from "./form.module.css";

type Protocol = Schemas["ProtocolInfo"];

export function Accounts({ protocol }: { protocol: Protocol | undefined }) {
  const { body, change } = useForm();
  const value = get(body, ["accounts"]);
  const accounts = (Array.isArray(value) ? value : []).map((a) => (isFields(a) ? a : {}));
  const add = () =>
    change(["accounts", accounts.length], accounts.length === 0 ? { default: true } : {});
  const makeDefault = (chosen: number) =>
    change(
      ["accounts"],
      accounts.map(({ default: _, ...rest }, at) =>
        at === chosen ? { ...rest, default: true } : rest,
      ),
    );
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        Callers pick an account by its name and never see its credential. Say where the gateway
        finds the secret: an environment variable of its process, or a file.
      </Text>
      <FormProblem path={["accounts"]} />
      {accounts.map((account, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: accounts have no other identity while they are typed.
        <fieldset key={at} className={classes.account}>
          <legend>{visible(String(account.name ?? "")) || `Account ${at + 1}`}</legend>
          <Stack gap="sm">
            <FormProblem path={["accounts", at]} />
            <div className={classes.fields}>
              <TextAt
                path={["accounts", at, "name"]}
                label="Account name"
                placeholder="app"
                required
              />
              {protocol?.needs_username ? (
                <Login path={["accounts", at]} />
              ) : (
                <Credential path={["accounts", at]} account={account} />
              )}
            </div>
            <Group justify="space-between">
              <Radio
                name="default-account"
                label="Used when the caller names none"
                checked={account.default === true}
                onChange={() => makeDefault(at)}
              />
              <Button
                size="compact-xs"
                variant="subtle"
                color="red"
                leftSection={<IconTrash size={14} aria-hidden />}
                onClick={() => change(["accounts", at], undefined)}
              >
                Remove
              </Button>
            </Group>
          </Stack>
        </fieldset>
      ))}
      <Group>
        <Button variant="default" leftSection={<IconPlus size={15} aria-hidden />} onClick={add}>
          Add an account
        </Button>
      </Group>
    </Stack>
  );
}

function Login({ path }: { path: Path }) {
  return (
    <>
      <TextAt path={[...path, "username"]} label="User name at the target" required />
      <div className={classes.wide}>
        <SecretAt path={[...path, "password"]} label="Password" optional />
      </div>
    </>
  );
}

function Credential({ path, account }: { path: Path; account: Fields }) {
  const { change } = useForm();
  const kind = credentialOf(account);
  const fields = CREDENTIALS.find((c) => c.value === kind)?.fields ?? [];
  return (
    <>
      <Select
        label="What the target is shown"
        data={CREDENTIALS.map(({ value, label }) => ({ value, label }))}
        value={kind}
        allowDeselect={false}
        onChange={(v) => v && change(path, withCredential(account, v))}
      />
      <div className={classes.wide}>
        <FormProblem path={[...path, "credential"]} />
        <FormProblem path={[...path, "credential", kind]} />
      </div>
      {kind === "basic" && <Login path={path} />}
      {fields.map((field) => (
        <OneField key={field.name} field={field} path={[...path, "credential", kind, field.name]} />
      ))}
    </>
  );
}

function OneField({ field, path }: { field: CredentialField; path: Path }) {
  const { label, optional, placeholder, kind } = field;
  if (kind === "texts") return <TextsAt path={path} label={label} />;
  if (kind === "secret") {
    return (
      <div className={classes.wide}>
        <SecretAt path={path} label={label} optional={optional} />
      </div>
    );
  }
  return (
    <TextAt
      path={path}
      label={label}
      placeholder={placeholder}
      required={!optional}
      keepEmpty={!optional}
    />
  );
}
