// Everything that hangs from a person, by kind.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { to } from "@/app/to";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Section } from "@/ui/Section";
import { EmptyState } from "@/ui/states";
import { Timestamp } from "@/ui/Timestamp";
import { inShort, isOperation } from "../approvals/approval";
import { StateBadge } from "../approvals/StateBadge";
import classes from "./people.module.css";
import { program } from "./program";

type Leftovers = Schemas["Leftovers"];

interface LeftoverListProps {
  left: Leftovers;
  /** It has all ended. */
  over?: boolean;
}

export function LeftoverList({ left, over = false }: LeftoverListProps) {
  const { sessions, tokens, agents, services, sign_ins: signIns, requests } = left;
  const all = [sessions, tokens, agents, services, signIns, requests];
  if (all.every((list) => list.length === 0)) {
    return (
      <EmptyState
        title="Nothing hangs from them"
        hint="No sessions, tokens, agents, services, sign-ins or requests. Offboarding switches them off."
      />
    );
  }
  return (
    <>
      <Kind title="Live sessions" items={sessions} itemKey={(s) => s.id}>
        {(s) => (
          <>
            <Link to={to.session(s.id)}>{s.id}</Link> of <PrincipalName id={s.principal} /> on{" "}
            {s.connection}, <Timestamp at={s.started} />
          </>
        )}
      </Kind>
      <Kind title="Tokens" items={tokens} itemKey={(t) => t.id}>
        {(t) => (
          <>
            <HostileText text={t.name || "unnamed"} /> <span className={classes.mono}>{t.id}</span>{" "}
            of <PrincipalName id={t.principal} />
            {!over && (
              <>
                , ends <Timestamp at={t.expires} />
              </>
            )}
            {t.creator === left.principal && t.principal !== left.principal && (
              <span className={classes.dim}> (made by them)</span>
            )}
          </>
        )}
      </Kind>
      <Kind title="Agents that they answer for" items={agents} itemKey={(a) => a}>
        {(a) => <PrincipalName id={a} href={to.person(a)} />}
      </Kind>
      <Kind title="Services that they answer for" items={services} itemKey={(s) => s}>
        {(s) => (
          <>
            <PrincipalName id={s} href={to.person(s)} />
            <span className={classes.dim}> is switched off; name somebody else in its file</span>
          </>
        )}
      </Kind>
      <Kind title="Sign-ins" items={signIns} itemKey={(s) => s.id}>
        {(s) => (
          <>
            <HostileText text={program(s.application || "not said")} /> from {s.address} by{" "}
            {s.provider}, <Timestamp at={s.created} />
          </>
        )}
      </Kind>
      <Kind title="Requests, approvals and windows" items={requests} itemKey={(a) => a.id}>
        {(a) => (
          <>
            <Link to={to.approval(a.id)}>{a.id}</Link>{" "}
            {!over && <StateBadge approval={a} nowMs={Date.now()} />}{" "}
            <HostileText mono={isOperation(a)} text={inShort(a).slice(0, 160)} /> on {a.connection}
          </>
        )}
      </Kind>
    </>
  );
}

interface KindProps<Item> {
  title: string;
  items: Item[];
  itemKey: (item: Item) => string;
  children: (item: Item) => ReactNode;
}

function Kind<Item>({ title, items, itemKey, children }: KindProps<Item>) {
  if (items.length === 0) return null;
  return (
    <Section title={title} aside={<span className={classes.dim}>{items.length}</span>}>
      <ul className={classes.leftovers}>
        {items.map((item) => (
          <li key={itemKey(item)}>{children(item)}</li>
        ))}
      </ul>
    </Section>
  );
}
