// Approvals: what waits for the caller, what they asked for, what holds now, and what was decided.

import { Button } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMe } from "@/api/me";
import { useWaiting } from "@/api/waiting";
import { to } from "@/app/to";
import { PageHeader } from "@/ui/PageHeader";
import { PageTabs } from "@/ui/PageTabs";
import { useNow } from "@/ui/useNow";
import { holdsLonger } from "./approval";
import { Deciding } from "./decide/Deciding";
import { Inbox } from "./Inbox";
import { Decided, Mine, Others, Windows } from "./Lists";
import { useOpen } from "./useApprovals";

export function Component() {
  const { admin, principal } = useMe();
  const query = useOpen();
  const now = useNow();
  const open = query.data?.approvals ?? [];
  const pending = open.filter((a) => a.state === "pending");
  const forMe = useWaiting();
  const forOthers = pending.filter((a) => !a.may_decide && a.principal !== principal).length;
  const others = {
    value: "others",
    label: "Waiting for others",
    count: forOthers,
    content: () => <Others query={query} />,
  };
  return (
    <Deciding>
      <PageHeader
        title="Approvals"
        about="What people and machines ask for, and what was decided. It updates by itself."
        actions={
          <Button
            component={Link}
            to={to.requestAccess()}
            leftSection={<IconKey size={15} aria-hidden />}
          >
            Request access
          </Button>
        }
      />
      <PageTabs
        label="Approvals"
        tabs={[
          {
            value: "inbox",
            label: "Waiting for me",
            count: forMe,
            content: () => <Inbox query={query} />,
          },
          ...(admin || forOthers > 0 ? [others] : []),
          { value: "mine", label: "My requests", content: () => <Mine /> },
          {
            value: "windows",
            label: "Open windows",
            count: open.filter((a) => holdsLonger(a, now)).length,
            content: () => <Windows query={query} />,
          },
          { value: "decided", label: "Decided", content: () => <Decided /> },
        ]}
      />
    </Deciding>
  );
}
