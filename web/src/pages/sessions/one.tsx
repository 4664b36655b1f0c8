// One session: who and where, whether it lives, and everything that was done in it.
import { Badge, Button, Tooltip } from "@mantine/core";
import { IconEye, IconEyeOff, IconPlayerStop, IconUrgent } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import type { ApiError } from "@/api/client";
import { useMe } from "@/api/me";
import { type Answer, useApi, useSend } from "@/api/query";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { EmptyState, ErrorState } from "@/ui/states";
import { useConfirm } from "@/ui/useConfirm";
import { visible } from "@/ui/visible";
import { ExportMenu } from "./ExportMenu";
import { LiveBadge } from "./LiveBadge";
import { type Read, useRecord } from "./record/useRecord";
import { Replay } from "./replay/Replay";
import { SessionFacts } from "./SessionFacts";
import { useVerify, VerifyButton, VerifyResult } from "./Verify";

export function Component() {
  const { id = "" } = useParams();
  // Another session begins with nothing of this one.
  return <Session key={id} id={id} />;
}

function Session({ id }: { id: string }) {
  const { data, error, refetch } = useApi("/v1/sessions/{id}", { path: { id } });
  const [query, setQuery] = useSearchParams();
  const watching = query.get("watch") === "true";
  const watch = (on: boolean) =>
    setQuery(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete("op");
        if (on) next.set("watch", "true");
        else next.delete("watch");
        return next;
      },
      { replace: true },
    );
  const read = useRecord(id, watching);
  const verify = useVerify(id);
  const live = data?.live ?? false;
  useEnd(data?.live, read);
  const following = watching && read.state === "following";
  return (
    <>
      <PageHeader
        title={`Session ${id}`}
        aside={
          <>
            {data && <LiveBadge live={live} />}
            {read.record.opened?.break_glass && (
              <Badge color="red" leftSection={<IconUrgent size={13} aria-hidden />}>
                emergency access
              </Badge>
            )}
            {following && (
              <Badge color="sluice" leftSection={<IconEye size={13} aria-hidden />}>
                watching
              </Badge>
            )}
          </>
        }
        actions={
          <>
            {(live || following) && (
              <Tooltip label="Shows what is done while it is done. Watching is on record.">
                <Button
                  variant={watching ? "light" : "default"}
                  leftSection={
                    watching ? (
                      <IconEyeOff size={14} aria-hidden />
                    ) : (
                      <IconEye size={14} aria-hidden />
                    )
                  }
                  onClick={() => watch(!watching)}
                >
                  {watching ? "Stop watching" : "Watch"}
                </Button>
              </Tooltip>
            )}
            {data && live && <Kill session={data} />}
            {data && <VerifyButton verify={verify} />}
            {data && <ExportMenu session={id} read={read} />}
          </>
        }
      />
      <VerifyResult verify={verify} />
      {error && !data ? (
        <NoSession error={error} retry={() => void refetch()} />
      ) : (
        <>
          <SessionFacts session={data} opened={read.record.opened} />
          <Replay session={id} read={read} />
        </>
      )}
    </>
  );
}

function NoSession({ error, retry }: { error: ApiError; retry: () => void }) {
  if (error.status !== 404) return <ErrorState error={error} retry={retry} />;
  return (
    <EmptyState
      title="There is no such session"
      hint="The id may be mistyped or cut short, or its record was older than records are kept."
      action={
        <Button component={Link} to={to.sessions} variant="default">
          All sessions
        </Button>
      }
    />
  );
}

/** Reads the record to its end once the session is over. Whoever watches sees the end anyway. */
function useEnd(live: boolean | undefined, { state, record, again }: Read) {
  const was = useRef(live);
  useEffect(() => {
    if (state === "reading" || state === "following") return;
    const ended = was.current === true && live === false;
    was.current = live;
    if (ended && !record.closed) again();
  }, [live, state, record, again]);
}

function Kill({ session }: { session: Answer<"/v1/sessions/{id}"> }) {
  const me = useMe();
  const confirm = useConfirm();
  const kill = useSend("post", "/v1/sessions/{id}/kill");
  if (!me.admin && me.principal !== session.principal) return null;
  const ask = async () => {
    const yes = await confirm({
      title: "End this session?",
      body: (
        <>
          <b>{visible(session.principal)}</b> is cut off from <b>{visible(session.connection)}</b>{" "}
          at once, also in the middle of an answer. They may connect again where policy lets them.
        </>
      ),
      confirm: "End session",
      danger: true,
      reason: me.principal === session.principal ? "optional" : "required",
    });
    if (yes) kill.mutate({ params: { path: { id: session.id } }, body: yes });
  };
  return (
    <Button
      color="red"
      variant="light"
      leftSection={<IconPlayerStop size={14} aria-hidden />}
      loading={kill.isPending}
      onClick={() => void ask()}
    >
      End session
    </Button>
  );
}
