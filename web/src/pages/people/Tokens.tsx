// Tokens: whom they stand for, how long, and what can be done to them. Secrets are never here.
import { Badge, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMe } from "@/api/me";
import { useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { useConfirm } from "@/ui/useConfirm";
import { useFilters } from "@/ui/useFilters";
import { useNow } from "@/ui/useNow";
import { type Pages, usePaged } from "@/ui/usePaged";
import classes from "./people.module.css";
import { RotateDialog } from "./RotateDialog";
import { matching, type Token, tokenState } from "./words";

export const useTokens = () => useApi("/v1/tokens");

export function AllTokens() {
  const query = useTokens();
  const filters = useFilters("text", "show");
  const { text, show } = filters.values;
  const rows = matching(query.data?.tokens, text, (t) => [
    t.id,
    t.name,
    t.principal,
    t.creator,
    ...(t.networks ?? []),
  ])?.filter((t) => t.valid || show === "all");
  const page = usePaged(rows);
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[
          { kind: "text", name: "text", label: "Token, whom for or made by" },
          {
            kind: "choice",
            name: "show",
            label: "Valid ones",
            options: [{ value: "all", label: "Also those over" }],
          },
        ]}
      />
      <TokenTable query={query} rows={page.rows} pages={{ older: page.older }} withWho />
    </>
  );
}

interface TokenTableProps {
  query: ReturnType<typeof useTokens>;
  rows: Token[] | undefined;
  /** Where the list has pages: where older rows go on. */
  pages?: Pages;
  withWho?: boolean;
}

export function TokenTable({ query, rows, pages, withWho }: TokenTableProps) {
  const { admin } = useMe();
  const now = useNow();
  const href = (id: string) => (admin ? to.person(id) : undefined);
  const who: Column<Token> = {
    header: "Stands for",
    width: "10rem",
    cell: (t) => <PrincipalName id={t.principal} href={href(t.principal)} />,
  };
  const columns: Column<Token>[] = [
    {
      header: "Token",
      cell: (t) => (
        <>
          <HostileText text={t.name || (t.purpose === "browser" ? "a browser" : "unnamed")} />
          <Details token={t} />
        </>
      ),
    },
    ...(withWho ? [who] : []),
    { header: "State", width: "6rem", cell: (t) => <State token={t} nowMs={now} /> },
    {
      header: "Last used",
      width: "7.5rem",
      hideBelow: "md",
      cell: (t) => (t.last_used ? <Timestamp at={t.last_used} /> : "never"),
    },
    { header: "Ends", width: "7rem", cell: (t) => <Timestamp at={t.expires} /> },
    { header: "Act", align: "right", width: "12rem", cell: (t) => <TokenActs token={t} /> },
  ];
  return (
    <DataTable
      label="Tokens"
      query={query}
      rows={rows}
      columns={columns}
      rowKey={(t) => t.id}
      {...pages}
      empty={{ title: "No tokens", hint: "Create one for a program that cannot sign in." }}
    />
  );
}

function Details({ token: { id, creator, networks = [] } }: { token: Token }) {
  const by = creator ? `made by ${creator}` : "from a sign-in";
  return (
    <div className={classes.small}>
      <code>{id}</code> {by}
      {networks.length > 0 && `, only from ${networks.join(", ")}`}
    </div>
  );
}

function State({ token, nowMs }: { token: Token; nowMs: number }) {
  const { label, color } = tokenState(token, nowMs);
  return <Badge color={color}>{label}</Badge>;
}

function TokenActs({ token }: { token: Token }) {
  const [rotating, rotate] = useDisclosure(false);
  const confirm = useConfirm();
  const revoke = useSend("post", "/v1/tokens/{id}/revoke", { also: ["sessions", "approvals"] });
  if (!token.valid) return null;
  const called = token.name || token.id;
  const ask = async () => {
    const yes = await confirm({
      title: "Revoke this token?",
      body: `${called} of ${token.principal} opens nothing any more, and the sessions that stand on it end within a second.`,
      confirm: "Revoke",
      danger: true,
    });
    if (yes) revoke.mutate({ params: { path: { id: token.id } } });
  };
  return (
    <div className={classes.buttons}>
      {token.purpose !== "browser" && (
        <Button
          size="compact-sm"
          variant="default"
          onClick={rotate.open}
          aria-label={`Rotate ${token.id}`}
        >
          Rotate
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        loading={revoke.isPending}
        onClick={() => void ask()}
        aria-label={`Revoke ${token.id}`}
      >
        Revoke
      </Button>
      <RotateDialog token={token} opened={rotating} onClose={rotate.close} />
    </div>
  );
}
