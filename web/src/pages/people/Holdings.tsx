// What hangs from a principal: its tokens, agents and sign-ins.
import type { ReactNode } from "react";
import { useMe } from "@/api/me";
import { Section } from "@/ui/Section";
import { AgentTable, useAgents } from "./Agents";
import { SignInTable, useSignIns } from "./SignIns";
import { TokenTable, useTokens } from "./Tokens";
import { kindOf } from "./words";

interface HoldingsProps {
  principal: string;
  tokenActions?: ReactNode;
  agentActions?: ReactNode;
}

export function Holdings({ principal, tokenActions, agentActions }: HoldingsProps) {
  const { admin } = useMe();
  const tokens = useTokens();
  const agents = useAgents();
  const signIns = useSignIns();
  const person = kindOf(principal) === "user";
  const mine = agents.data?.agents.filter((a) => a.owner === principal);
  const names = new Set([principal, ...(mine ?? []).map((a) => a.agent)]);
  return (
    <>
      <Section title="Tokens" plain actions={tokenActions}>
        <TokenTable
          query={tokens}
          rows={tokens.data?.tokens.filter((t) => t.valid && names.has(t.principal))}
          withWho={person}
        />
      </Section>
      {person && (
        <>
          <Section title="Agents" plain actions={agentActions}>
            <AgentTable query={agents} rows={mine} linked={admin} />
          </Section>
          <Section title="Sign-ins" plain>
            <SignInTable
              query={signIns}
              rows={signIns.data?.sign_ins.filter((s) => s.principal === principal)}
            />
          </Section>
        </>
      )}
    </>
  );
}
