// What else a protocol lets a connection say, made from the protocol table.
import { Switch } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { NumberAt, SwitchAt, TextAt, TextsAt } from "@/ui/resources/fields";
import { get, type Path, useForm } from "@/ui/resources/form";
import { visible } from "@/ui/visible";
import classes from "./form.module.css";

type Setting = Schemas["SettingInfo"];

export function ProtocolSettings({ settings }: { settings: Setting[] }) {
  return (
    <div className={classes.fields}>
      {settings.map((setting) => (
        <OneSetting key={setting.name} setting={setting} />
      ))}
    </div>
  );
}

/** `only_described` in words. */
export function inWords(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function OneSetting({ setting }: { setting: Setting }) {
  const path: Path = ["settings", setting.name];
  const field = { path, label: inWords(setting.name), description: visible(setting.doc) };
  switch (setting.kind) {
    case "flag":
      return <SwitchAt {...field} />;
    case "number":
      return <NumberAt {...field} />;
    case "texts":
      return <TextsAt {...field} />;
    case "identity_header":
      return <IdentityHeader {...field} />;
    default:
      return <TextAt {...field} />;
  }
}

interface IdentityHeaderProps {
  path: Path;
  label: string;
  description: string;
}

function IdentityHeader({ path, label, description }: IdentityHeaderProps) {
  const { body, change } = useForm();
  const on = get(body, path) !== undefined;
  return (
    <div className={classes.wide}>
      <Switch
        label={label}
        description={description}
        checked={on}
        onChange={() => change(path, on ? undefined : { header: "" })}
      />
      {on && (
        <div className={classes.fields} style={{ marginTop: 10 }}>
          <TextAt
            path={[...path, "header"]}
            label="Header"
            placeholder="X-Caller"
            required
            keepEmpty
          />
          <TextAt
            path={[...path, "audience"]}
            label="Audience"
            description="The connection's name where this is empty."
          />
        </div>
      )}
    </div>
  );
}
