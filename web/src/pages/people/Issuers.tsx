// Trusted issuers: whose JWTs let workloads in, and as which service.
import { Anchor, Badge } from "@mantine/core";
import { Link } from "react-router";
import { useApi } from "@/api/query";
import { to } from "@/app/to";
import { DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { HostileText } from "@/ui/HostileText";
import { useFilters } from "@/ui/useFilters";
import classes from "./people.module.css";
import { issuerOf, matching } from "./words";

export function Issuers() {
  const query = useApi("/v1/resources");
  const filters = useFilters("text");
  const all = query.data?.resources
    .filter((r) => r.kind === "TrustedIssuer")
    .map((r) => ({ name: r.name, source: r.source, ...issuerOf(r.body) }));
  const rows = matching(all, filters.values.text, (i) => [
    i.name,
    i.issuer,
    i.preset,
    ...i.audiences,
    ...i.rules.flatMap((r) => [r.when, r.service, ...r.groups]),
  ]);
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[{ kind: "text", name: "text", label: "Issuer, service or rule" }]}
      />
      <DataTable
        label="Trusted issuers"
        query={query}
        rows={rows}
        rowKey={(i) => i.name}
        columns={[
          {
            header: "Name",
            cell: (i) => (
              <>
                <strong>{i.name}</strong>
                <div className={classes.mono}>{i.source}</div>
              </>
            ),
          },
          { header: "Issuer", cell: (i) => i.issuer || i.preset },
          { header: "Audiences", hideBelow: "lg", cell: (i) => i.audiences.join(", ") },
          {
            header: "Who is let in, the first rule that fits",
            cell: (i) => <Rules rules={i.rules} />,
          },
        ]}
        empty={{
          title: filters.any ? "No issuer like that" : "No issuer is trusted",
          hint: filters.any ? (
            "Change the filter."
          ) : (
            <>
              A file of kind: TrustedIssuer lets jobs in with the token that their own platform
              gives them.
            </>
          ),
        }}
      />
    </>
  );
}

function Rules({ rules }: { rules: ReturnType<typeof issuerOf>["rules"] }) {
  return (
    <ol className={classes.rules}>
      {rules.map(({ when, service, groups }) => (
        <li key={`${service} ${when}`}>
          <HostileText mono text={when} /> is{" "}
          <Anchor component={Link} to={to.person(`service:${service}`)} underline="always" inherit>
            {service}
          </Anchor>
          {groups.map((group) => (
            <Badge key={group} color="gray" ml={4}>
              {group}
            </Badge>
          ))}
        </li>
      ))}
    </ol>
  );
}
