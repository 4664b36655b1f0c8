// Who is signed in. The shell asks once; pages read it with useMe().
import { createContext, type ReactNode, useContext } from "react";
import type { Schemas } from "./client";

export type Me = Schemas["WhoAmI"];

const MeContext = createContext<Me | null>(null);

export function MeProvider({ me, children }: { me: Me; children: ReactNode }) {
  return <MeContext value={me}>{children}</MeContext>;
}

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe is only for pages inside the shell");
  return me;
}
