// Keyboard shortcuts, and the dialog that lists them and can turn them off.
import { Kbd, Modal, Switch, Table } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import { useNavigate } from "react-router";
import { useMe } from "@/api/me";
import { useExactTimes } from "@/ui/useExactTimes";
import { navItems } from "./navigation";

// The second key of a pair must follow within this time.
const PAIR_MS = 1_200;

interface ShortcutsProps {
  helpOpen: boolean;
  openHelp: () => void;
  closeHelp: () => void;
}

export function Shortcuts({ helpOpen, openHelp, closeHelp }: ShortcutsProps) {
  const { admin } = useMe();
  // Single keys get in the way of speech input, so they can be switched off.
  const [on, setOn] = useLocalStorage({ key: "sluice-shortcuts", defaultValue: true });
  const [exact, setExact] = useExactTimes();
  useKeys(on && !helpOpen, admin, { "?": openHelp, e: () => setExact((is) => !is) });
  const rows = [
    ...navItems(admin).map((item) => ({ keys: ["g", item.letter], what: item.label })),
    { keys: ["Ctrl or ⌘", "K"], what: "Search" },
    { keys: ["e"], what: "Exact times, or how long ago" },
    { keys: ["?"], what: "This help" },
  ];
  return (
    <Modal opened={helpOpen} onClose={closeHelp} title="Keyboard shortcuts">
      <Table verticalSpacing={6}>
        <Table.Tbody>
          {rows.map(({ keys, what }) => (
            <Table.Tr key={what}>
              <Table.Th scope="row" fw={400}>
                {what}
              </Table.Th>
              <Table.Td ta="right">
                {keys.map((key) => (
                  <Kbd key={key} ml={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label="Single-key shortcuts"
        checked={on}
        onChange={(e) => setOn(e.currentTarget.checked)}
      />
      <Switch
        mt="sm"
        label="Exact times in lists"
        checked={exact}
        onChange={(e) => setExact(e.currentTarget.checked)}
      />
    </Modal>
  );
}

function useKeys(on: boolean, admin: boolean, single: Record<string, () => void>) {
  const go = useNavigate();
  const acts = useRef(single);
  acts.current = single;
  const pressedG = useRef(0);
  useEffect(() => {
    if (!on) return;
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || isBusy(e.target)) return;
      const pair = e.timeStamp - pressedG.current < PAIR_MS;
      pressedG.current = !pair && e.key === "g" ? e.timeStamp : 0;
      const item = pair && navItems(admin).find((i) => i.letter === e.key);
      if (item) void go(item.path);
      else acts.current[e.key]?.();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [on, admin, go]);
}

/** Whether the key belongs to a field, an editor or a dialog. */
function isBusy(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest("input, textarea, select, [role=dialog], [role=menu]") !== null)
  );
}
