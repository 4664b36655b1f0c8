// The frame around every page: header, navigation, search, shortcuts and the live stream.
import { AppShell, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet, ScrollRestoration, useMatches, useNavigation } from "react-router";
import { useLiveStream } from "@/api/live";
import { MeProvider, useMe } from "@/api/me";
import { useApi } from "@/api/query";
import { ErrorState } from "@/ui/states";
import { Away } from "./Away";
import { Header } from "./Header";
import { Nav } from "./Nav";
import { NotForYou } from "./NotForYou";
import { Search } from "./Search";
import { Shortcuts } from "./Shortcuts";
import { SignedOut } from "./SignedOut";
import { Starting } from "./Starting";
import classes from "./shell.module.css";

export function Shell() {
  const me = useApi("/v1/whoami");
  if (me.data) {
    return (
      <MeProvider me={me.data}>
        <Frame />
      </MeProvider>
    );
  }
  if (me.error) {
    return (
      <main className={classes.alone}>
        <ErrorState error={me.error} retry={() => void me.refetch()} />
      </main>
    );
  }
  return <Starting />;
}

function Frame() {
  useLiveStream();
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const loading = useNavigation().state === "loading";
  return (
    <>
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 212, breakpoint: "sm", collapsed: { mobile: true } }}
        padding={{ base: "md", sm: "lg" }}
      >
        <AppShell.Header className={classes.header}>
          <Header menuOpen={menuOpen} toggleMenu={menu.toggle} openHelp={help.open} />
          {loading && <div className={classes.progress} />}
        </AppShell.Header>
        <AppShell.Navbar aria-label="Pages" className={classes.navbar} visibleFrom="sm" p="xs">
          <Nav />
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
          <div className={classes.page}>
            <Away />
            <Page />
          </div>
        </AppShell.Main>
      </AppShell>
      <Drawer opened={menuOpen} onClose={menu.close} title="Pages" size="xs" hiddenFrom="sm">
        <nav aria-label="Pages">
          <Nav onChoose={menu.close} />
        </nav>
      </Drawer>
      <Search openHelp={help.open} />
      <Shortcuts helpOpen={helpOpen} openHelp={help.open} closeHelp={help.close} />
      <SignedOut />
      <ScrollRestoration />
    </>
  );
}

/** The page, unless it is for administrators and the caller is none. The server decides; this only explains. */
function Page() {
  const { admin } = useMe();
  const forAdmins = useMatches().some((m) => (m.handle as { admin?: boolean } | undefined)?.admin);
  return forAdmins && !admin ? <NotForYou /> : <Outlet />;
}
