// What a new token is to be.
import { Button, Group, MultiSelect, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Schemas } from "@/api/client";
import { useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { ErrorState } from "@/ui/states";
import { LIVES, USUAL_LIFE } from "./lives";

interface TokenFormProps {
  principal: string | undefined;
  newAgent: boolean;
  pending: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: (token: Schemas["CreateToken"]) => void;
}

export function TokenForm(props: TokenFormProps) {
  const { principal, newAgent, pending, error, onCancel, onSubmit } = props;
  const me = useMe();
  const [whom, setWhom] = useState<string | null>(principal ?? null);
  const [agent, setAgent] = useState("");
  const [groups, setGroups] = useState<string[]>([]);
  const [name, setName] = useState("");
  const [life, setLife] = useState(USUAL_LIFE);
  const [networks, setNetworks] = useState<string[]>([]);
  const target = newAgent ? agent.trim() && `agent:${agent.trim()}` : whom;

  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (!target) return;
    onSubmit({
      for: target,
      name: name.trim() || null,
      ttl_seconds: Number(life),
      networks,
      // Without groups it acts in all of its owner's, as they are at the time.
      ...(newAgent && { agent: groups.length > 0 ? { groups } : {} }),
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {newAgent && (
          <>
            <TextInput
              label="Agent"
              description="Its name. You answer for it: it may do at most what you may, and you cannot approve what it asks for."
              required
              data-autofocus
              value={agent}
              onChange={(e) => setAgent(e.currentTarget.value)}
            />
            <MultiSelect
              label="Groups"
              description="Those of yours that it acts in; all of them when you choose none."
              data={me.groups}
              value={groups}
              onChange={setGroups}
            />
          </>
        )}
        {!newAgent && !principal && <Whom value={whom} onChange={setWhom} />}
        <TextInput
          label="What it is for"
          description="In words, so that somebody knows whether it is still needed."
          maxLength={200}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <Select
          label="How long it lives"
          data={LIVES}
          value={life}
          onChange={(v) => setLife(v ?? USUAL_LIFE)}
          allowDeselect={false}
        />
        <TagsInput
          label="Where from it may be used"
          description="Such as 10.0.0.0/8; anywhere when there are none."
          placeholder={networks.length === 0 ? "anywhere" : undefined}
          acceptValueOnBlur
          value={networks}
          onChange={setNetworks}
        />
        {error !== null && <ErrorState error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={pending} disabled={!target}>
            {newAgent ? "Make agent" : "Create token"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

// As many as one can look through; typing finds the others.
const SHOWN = 50;

function Whom(props: { value: string | null; onChange: (whom: string | null) => void }) {
  const principals = useApi("/v1/principals").data?.principals ?? [];
  return (
    <Select
      label="For"
      description="Whom it stands for."
      placeholder="service:nightly-report"
      required
      searchable
      limit={SHOWN}
      data={principals.filter((p) => !p.disabled).map((p) => p.principal)}
      nothingFoundMessage="Nobody of that name who is switched on"
      {...props}
    />
  );
}
