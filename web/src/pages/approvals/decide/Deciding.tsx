// Holds the dialog in which something is decided: beside the requests, so that it stays while they come and go.
import { createContext, type ReactNode, useContext, useRef, useState } from "react";
import type { Approval } from "../approval";
import type { Act } from "../happened";
import { DecideDialog } from "./DecideDialog";
import { type Place, placeOf } from "./place";

interface Asked {
  approval: Approval;
  act: Act;
  /** Each time the dialog begins anew. */
  turn: number;
}

const Context = createContext<((approval: Approval, act: Act) => void) | null>(null);

/** `const ask = useDeciding(); ask(approval, "deny")` opens the dialog. */
export function useDeciding() {
  const ask = useContext(Context);
  if (!ask) throw new Error("useDeciding is only for what stands in Deciding");
  return ask;
}

export function Deciding({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [opened, setOpened] = useState(false);
  const place = useRef<Place>(null);
  const decided = useRef(false);
  const ask = (approval: Approval, act: Act) => {
    place.current = placeOf(approval.id);
    decided.current = false;
    setAsked((last) => ({ approval, act, turn: (last?.turn ?? 0) + 1 }));
    setOpened(true);
  };
  return (
    <Context value={ask}>
      {children}
      {asked && (
        <DecideDialog
          key={asked.turn}
          approval={asked.approval}
          act={asked.act}
          opened={opened}
          onClose={() => setOpened(false)}
          onDecided={() => {
            decided.current = true;
            setOpened(false);
          }}
          onClosed={() => place.current?.goBack(decided.current)}
        />
      )}
    </Context>
  );
}
