// The live sessions of one principal.
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { DataTable } from "@/ui/DataTable";
import { HostileText } from "@/ui/HostileText";
import { Section } from "@/ui/Section";
import { Timestamp } from "@/ui/Timestamp";
import classes from "./people.module.css";

const SHOWN = 50;

export function SessionsOf({ principal }: { principal: string }) {
  const sessions = useApi("/v1/sessions", { query: { live: true, limit: SHOWN, principal } });
  return (
    <Section title="Live sessions" plain>
      <DataTable
        label="Live sessions"
        query={sessions}
        rows={sessions.data?.sessions}
        rowKey={(s) => s.id}
        rowHref={(s) => to.session(s.id)}
        columns={[
          {
            header: "Where",
            cell: (s) => (
              <>
                {s.connection} <span className={classes.dim}>as {s.account}</span>
              </>
            ),
          },
          {
            header: "With",
            cell: (s) => (s.application ? <HostileText text={s.application} /> : "not said"),
          },
          { header: "From", hideBelow: "md", cell: (s) => s.client_address },
          { header: "Since", cell: (s) => <Timestamp at={s.started} /> },
        ]}
        empty={{ title: "Not connected", hint: "No session of theirs lives now." }}
      />
    </Section>
  );
}
