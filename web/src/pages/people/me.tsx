// Everybody's own page: who one is here, and what one's programs use.
import { useMe } from "@/api/me";
import { Fact, Facts } from "@/ui/Facts";
import { PageHeader } from "@/ui/PageHeader";
import { PrincipalName } from "@/ui/PrincipalName";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import { CreateToken } from "./CreateToken";
import { GroupBadges } from "./Groups";
import { Holdings } from "./Holdings";
import classes from "./people.module.css";
import { kindOf } from "./words";

export function Component() {
  const me = useMe();
  return (
    <>
      <PageHeader
        title="My tokens"
        about="Who you are here, and what your programs and agents connect with."
      />
      <div className={classes.stack}>
        <Section title="About me">
          <Facts wide>
            <Fact name="Who">
              <PrincipalName id={me.principal} owner={me.owner} />
            </Fact>
            <Fact name="Groups">
              <GroupBadges groups={me.groups} all />
            </Fact>
            <Fact name="Signed in with">{me.way}</Fact>
            <Fact name="Until">{me.expires && <Timestamp at={me.expires} exactly />}</Fact>
          </Facts>
        </Section>
        <Holdings
          principal={me.principal}
          tokenActions={<CreateToken principal={me.principal} />}
          agentActions={kindOf(me.principal) === "user" && <CreateToken newAgent />}
        />
      </div>
    </>
  );
}
