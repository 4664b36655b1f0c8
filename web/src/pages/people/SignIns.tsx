// Sign-ins: people's logins at their identity providers, and their end.
import { Button } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { type Column, DataTable } from "@/ui/DataTable";
import { FilterBar } from "@/ui/FilterBar";
import { HostileText } from "@/ui/HostileText";
import { PrincipalName } from "@/ui/PrincipalName";
import { Timestamp } from "@/ui/Timestamp";
import { useConfirm } from "@/ui/useConfirm";
import { useFilters } from "@/ui/useFilters";
import { type Pages, usePaged } from "@/ui/usePaged";
import { visible } from "@/ui/visible";
import { program } from "./program";
import { matching } from "./words";

type SignIn = Schemas["SignInInfo"];

export const useSignIns = () => useApi("/v1/sign-ins");

export function AllSignIns() {
  const query = useSignIns();
  const filters = useFilters("text");
  const rows = matching(query.data?.sign_ins, filters.values.text, (s) => [
    s.id,
    s.principal,
    s.provider,
    s.address,
    s.application,
  ]);
  const page = usePaged(rows);
  return (
    <>
      <FilterBar
        filters={filters}
        fields={[{ kind: "text", name: "text", label: "Who, where from or with what" }]}
      />
      <SignInTable query={query} rows={page.rows} pages={{ older: page.older }} withWho />
    </>
  );
}

interface SignInTableProps {
  query: ReturnType<typeof useSignIns>;
  rows: SignIn[] | undefined;
  /** Where the list has pages: where older rows go on. */
  pages?: Pages;
  withWho?: boolean;
}

export function SignInTable({ query, rows, pages, withWho }: SignInTableProps) {
  const who: Column<SignIn> = {
    header: "Who",
    width: "9rem",
    cell: (s) => <PrincipalName id={s.principal} href={to.person(s.principal)} />,
  };
  const columns: Column<SignIn>[] = [
    ...(withWho ? [who] : []),
    { header: "With", cell: (s) => <Program name={s.application} /> },
    { header: "From", width: "8.5rem", cell: (s) => s.address },
    { header: "Provider", width: "7rem", hideBelow: "md", cell: (s) => s.provider },
    { header: "Since", width: "7rem", cell: (s) => <Timestamp at={s.created} /> },
    {
      header: "Asked",
      width: "7rem",
      hideBelow: "lg",
      cell: (s) => <Timestamp at={s.refreshed} />,
    },
    { header: "Ends", width: "7rem", cell: (s) => <Timestamp at={s.ends} /> },
    { header: "Act", align: "right", width: "6rem", cell: (s) => <EndSignIn signIn={s} /> },
  ];
  return (
    <DataTable
      label="Sign-ins"
      query={query}
      rows={rows}
      columns={columns}
      rowKey={(s) => s.id}
      {...pages}
      empty={{
        title: "No sign-ins",
        hint: "Who signs in through an identity provider stands here until that ends.",
      }}
    />
  );
}

function EndSignIn({ signIn }: { signIn: SignIn }) {
  const confirm = useConfirm();
  const end = useSend("post", "/v1/sign-ins/{id}/end", { also: ["sessions", "approvals"] });
  const ask = async () => {
    const yes = await confirm({
      title: "End this sign-in?",
      body: `${signIn.principal} is signed out there. The tokens and live sessions that hang from it end within a second.`,
      confirm: "End sign-in",
      danger: true,
    });
    if (yes) end.mutate({ params: { path: { id: signIn.id } } });
  };
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={end.isPending}
      onClick={() => void ask()}
      aria-label={`End the sign-in of ${signIn.principal} from ${signIn.address}`}
    >
      End
    </Button>
  );
}

function Program({ name }: { name?: string | null }) {
  if (!name) return "not said";
  return (
    <span title={visible(name)}>
      <HostileText text={program(name)} />
    </span>
  );
}
