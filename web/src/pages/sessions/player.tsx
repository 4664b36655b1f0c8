// Plays a terminal recording from the reader's own disk. Nothing of it leaves the browser.
import {
  Alert,
  Button,
  Checkbox,
  FileButton,
  Group,
  SegmentedControl,
  Skeleton,
} from "@mantine/core";
import { IconFolderOpen } from "@tabler/icons-react";
import { type DragEvent, lazy, Suspense, useMemo, useState } from "react";
import { HostileText } from "@/ui/HostileText";
import { PageHeader } from "@/ui/PageHeader";
import { EmptyState } from "@/ui/states";
import { type Cast, parseCast, printed, withoutIdle } from "./player/cast";
import { clock, Matches } from "./player/Matches";
import classes from "./player/player.module.css";
import type { Jump } from "./player/Terminal";

const Terminal = lazy(() => import("./player/Terminal"));

const IDLE_SECONDS = 2;
const SPEEDS = ["0.5", "1", "2", "5", "10"];

interface Opened {
  name: string;
  cast: Cast;
}

export function Component() {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const open = async (file: File | null | undefined) => {
    if (!file) return;
    try {
      setOpened({ name: file.name, cast: parseCast(await file.text()) });
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const drop = (e: DragEvent) => {
    e.preventDefault();
    setOver(false);
    void open(e.dataTransfer.files[0]);
  };
  const choose = (
    <FileButton accept=".cast,.json,.txt" onChange={(file) => void open(file)}>
      {(props) => (
        <Button
          {...props}
          variant={opened ? "default" : "filled"}
          leftSection={<IconFolderOpen size={14} aria-hidden />}
        >
          {opened ? "Open another" : "Open a file"}
        </Button>
      )}
    </FileButton>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is a second way; the button is the first.
    <div
      className={`${classes.drop} ${over ? classes.over : ""}`}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <PageHeader
        title="Play a terminal recording"
        about={opened ? <About opened={opened} /> : "A .cast file is played here, in your browser."}
        actions={opened && choose}
      />
      {problem && (
        <Alert color="red" title="The file cannot be played" mb="md" role="alert">
          {problem}
        </Alert>
      )}
      {opened ? (
        <Playing key={opened.name} cast={opened.cast} />
      ) : (
        <EmptyState
          title="Open a recording"
          hint="An asciicast file (version 2 or 3) from your disk. It is not uploaded. You can also drop it here."
          action={choose}
        />
      )}
    </div>
  );
}

function About({ opened: { name, cast } }: { opened: Opened }) {
  return (
    <>
      <HostileText text={cast.title || name} />, {cast.columns} × {cast.rows},{" "}
      {clock(cast.events.at(-1)?.[0] ?? 0)}
    </>
  );
}

function Playing({ cast }: { cast: Cast }) {
  const [speed, setSpeed] = useState("1");
  const [skipIdle, setSkipIdle] = useState(true);
  const [jump, setJump] = useState<Jump | null>(null);
  const events = useMemo(
    () => (skipIdle ? withoutIdle(cast.events, IDLE_SECONDS) : cast.events),
    [cast, skipIdle],
  );
  const text = useMemo(() => printed(events), [events]);
  return (
    <>
      <Group gap="md" mb="sm">
        <SegmentedControl
          size="xs"
          aria-label="Speed"
          data={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
          value={speed}
          onChange={setSpeed}
        />
        <Checkbox
          size="xs"
          label="Skip idle time"
          checked={skipIdle}
          onChange={(e) => setSkipIdle(e.currentTarget.checked)}
        />
      </Group>
      <div className={classes.place}>
        <section aria-label="Terminal">
          <Suspense fallback={<Skeleton height={320} />}>
            <Terminal cast={cast} events={events} speed={Number(speed)} jump={jump} />
          </Suspense>
        </section>
        <Matches text={text} onJump={(at) => setJump({ at })} />
      </div>
    </>
  );
}
