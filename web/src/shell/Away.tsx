// Says above the page why what is shown may be old: signed out, or the gateway is out of reach.
import { Alert, Anchor } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useLiveState } from "@/api/live";
import { signInHere, useSignedOut } from "@/api/signIn";
import classes from "./shell.module.css";

export function Away() {
  const signedOut = useSignedOut();
  const away = useLiveState() === "reconnecting";
  return (
    <div role="status" className={classes.away}>
      {(signedOut || away) && (
        <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} py="xs">
          {signedOut ? <SignIn /> : <Reconnecting />}
        </Alert>
      )}
    </div>
  );
}

function SignIn() {
  return (
    <>
      You were signed out; what you see may be old.{" "}
      <Anchor href={signInHere()} underline="always" c="inherit" inherit>
        Sign in again
      </Anchor>
    </>
  );
}

function Reconnecting() {
  return (
    <>
      <b>The gateway cannot be reached.</b> What you see may be old. Reconnecting by itself.
    </>
  );
}
