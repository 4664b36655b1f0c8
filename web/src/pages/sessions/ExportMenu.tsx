// Takes a record away: all events, or requests and answers as an archive that browsers' tools open.
import { Button, Menu } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { asApiError } from "@/api/client";
import { toHar } from "./record/har";
import type { SessionRecord } from "./record/record";
import { type Read, readAgain } from "./record/useRecord";

interface ExportMenuProps {
  session: string;
  read: Read;
}

export function ExportMenu({ session, read }: ExportMenuProps) {
  const [making, setMaking] = useState(false);
  const http = read.record.opened?.protocol === "http";
  const saveHar = async () => {
    setMaking(true);
    try {
      const record = isWhole(read) ? read.record : await readAgain(session);
      save(`${session}.har`, JSON.stringify(toHar(record), null, 2));
    } catch (error) {
      const { message, hint } = asApiError(error);
      notifications.show({ color: "red", title: message, message: hint });
    } finally {
      setMaking(false);
    }
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          loading={making}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {/* Saved by the browser as it comes, whatever its size. */}
        <Menu.Item
          component="a"
          href={`/v1/sessions/${encodeURIComponent(session)}/replay`}
          download={`${session}.ndjson`}
        >
          Events (NDJSON)
        </Menu.Item>
        {http && <Menu.Item onClick={() => void saveHar()}>Requests and answers (HAR)</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Whether all of it was read and kept. */
function isWhole({ record, state }: Read): boolean {
  return state === "whole" && !record.cut && !leftOut(record);
}

function leftOut(record: SessionRecord): boolean {
  for (const op of record.all()) if (op.left) return true;
  return false;
}

function save(name: string, text: string) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has the content by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}
