// Names and values, one below the other.
import type { ReactNode } from "react";
import classes from "./section.module.css";

interface FactsProps {
  /** Beside each other where there is room. */
  wide?: boolean;
  children: ReactNode;
}

export function Facts({ wide = false, children }: FactsProps) {
  return <dl className={`${classes.facts} ${wide ? classes.wide : ""}`}>{children}</dl>;
}

/** One of them; left out when there is no value. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
