// What is shown until the first page is there.
import { Loader } from "@mantine/core";
import classes from "./shell.module.css";

export function Starting() {
  return (
    <main className={classes.alone}>
      <Loader size="sm" aria-label="Loading" />
    </main>
  );
}
