// One person, service or agent: what it is, and everything that it holds.
import { Button, Skeleton } from "@mantine/core";
import { IconUserOff } from "@tabler/icons-react";
import { Link, Navigate, useParams } from "react-router";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { Fact, Facts } from "@/ui/Facts";
import { PageHeader } from "@/ui/PageHeader";
import { PrincipalName } from "@/ui/PrincipalName";
import { Section } from "@/ui/Section";
import { EmptyState, ErrorState } from "@/ui/states";
import { visible } from "@/ui/visible";
import { EndAgent } from "./Agents";
import { CreateToken } from "./CreateToken";
import { GroupBadges } from "./Groups";
import { Holdings } from "./Holdings";
import { TABS } from "./index";
import { OnOffBadge, OnOffSwitch } from "./OnOff";
import classes from "./people.module.css";
import { SessionsOf } from "./SessionsOf";
import { kindOf, nameOf, type Principal, sourceInWords } from "./words";

export function Component() {
  const { id = "" } = useParams();
  // The lists of people are tabs, and what has no kind is nobody's id.
  if (TABS.some((tab) => tab.value === id)) return <Navigate to={to.peopleTab(id)} replace />;
  return <Person id={id} />;
}

function Person({ id }: { id: string }) {
  const principals = useApi("/v1/principals");
  const all = principals.data?.principals;
  const found = all?.find((p) => p.principal === id);
  if (found) return <Shown principal={found} all={all ?? []} />;
  return (
    <>
      <PageHeader title={nameOf(id)} />
      {all ? (
        <EmptyState
          title={`Nobody is called ${visible(id)}`}
          hint="They may have left, or the name may be mistyped. What they did is still on record."
          action={<Link to={to.operations({ principal: id })}>Their operations</Link>}
        />
      ) : principals.error ? (
        <ErrorState error={principals.error} retry={() => void principals.refetch()} />
      ) : (
        <Skeleton height={240} />
      )}
    </>
  );
}

function Shown({ principal, all }: { principal: Principal; all: Principal[] }) {
  const id = principal.principal;
  const kind = kindOf(id);
  const services = all.filter((p) => p.owner === id && kindOf(p.principal) === "service");
  return (
    <>
      <PageHeader
        title={nameOf(id)}
        aside={<OnOffBadge off={principal.disabled} />}
        about={`A ${kind}, known from ${sourceInWords(principal.source)}.`}
        actions={
          <>
            {kind === "agent" && <EndAgent agent={id} />}
            {kind === "user" && principal.source !== "local" && (
              <Button
                component={Link}
                to={to.offboard(id)}
                variant="light"
                color="red"
                leftSection={<IconUserOff size={15} aria-hidden />}
              >
                Offboard
              </Button>
            )}
          </>
        }
      />
      <div className={classes.stack}>
        <Section title="About">
          <Facts wide>
            <Fact name="Who">
              <PrincipalName id={id} />
            </Fact>
            <Fact name="State">
              <OnOffSwitch principal={principal} />
            </Fact>
            <Fact name="Groups">
              <GroupBadges groups={principal.groups} all />
            </Fact>
            <Fact name="Known from">{sourceInWords(principal.source)}</Fact>
            <Fact name="Answers for it">
              {principal.owner && (
                <PrincipalName id={principal.owner} href={to.person(principal.owner)} />
              )}
            </Fact>
            <Fact name="Services">
              {services.length > 0 &&
                services.map((s) => (
                  <div key={s.principal}>
                    <PrincipalName id={s.principal} href={to.person(s.principal)} />
                  </div>
                ))}
            </Fact>
            <Fact name="What they did">
              <Link to={to.operations({ principal: id })}>Operations</Link>
            </Fact>
          </Facts>
        </Section>
        <SessionsOf principal={id} />
        <Holdings
          principal={id}
          tokenActions={!principal.disabled && <CreateToken principal={id} />}
        />
      </div>
    </>
  );
}
