// Above the replay: search, filter, steps to what matters, and playing it in its own time.
import {
  ActionIcon,
  Button,
  Checkbox,
  CloseButton,
  Group,
  Kbd,
  NumberInput,
  Popover,
  SegmentedControl,
  Select,
  Table,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import {
  IconBan,
  IconChevronDown,
  IconChevronUp,
  IconEyeOff,
  IconHandStop,
  IconKeyboard,
  IconPlayerPause,
  IconPlayerPlay,
  IconSearch,
  type TablerIcon,
} from "@tabler/icons-react";
import { type RefObject, useState } from "react";
import { count, counted } from "@/ui/numbers";
import { oneOf } from "@/ui/useFilters";
import { is, isHeld, isMasked, SHOWN, type Shown } from "../record/find";
import type { Entry } from "../record/record";
import { SPEEDS } from "./pace";
import classes from "./replay.module.css";
import type { Play } from "./usePlay";

interface Step {
  /** The small letter goes forwards, the capital backwards. */
  key: string;
  what: string;
  icon: TablerIcon;
  test: (entry: Entry) => boolean;
}

/** What one wants to step through. */
export const NEXT_OF: Step[] = [
  { key: "d", what: "denied", icon: IconBan, test: (e) => e.kind === "op" && is(e.op, "deny") },
  { key: "h", what: "held", icon: IconHandStop, test: (e) => e.kind === "op" && isHeld(e.op) },
  { key: "m", what: "masked", icon: IconEyeOff, test: (e) => e.kind === "op" && isMasked(e.op) },
];

const KEYS = [
  { keys: ["j"], what: "Next" },
  { keys: ["k"], what: "Previous" },
  ...NEXT_OF.map(({ key, what }) => ({ keys: [key], what: `Next ${what}` })),
  ...NEXT_OF.map(({ key, what }) => ({ keys: ["Shift", key], what: `Previous ${what}` })),
  { keys: ["f"], what: "Search in the record" },
  { keys: ["Space"], what: "Play or pause" },
];

interface ToolbarProps {
  search: RefObject<HTMLInputElement | null>;
  text: string;
  onText: (text: string) => void;
  show: Shown | undefined;
  onShow: (show: Shown | undefined) => void;
  found: number;
  all: number;
  reading: boolean;
  /** Reads the record again, where there may be more by now. */
  again: (() => void) | undefined;
  move: (step: 1 | -1, test?: (entry: Entry) => boolean) => void;
  jump: (op: string) => void;
  play: Play;
}

export function Toolbar(props: ToolbarProps) {
  const { search, text, onText, show, onShow, found, all, reading, move } = props;
  const total = counted(all, "entry", "entries");
  const number = found === all ? total : `${count(found)} of ${total}`;
  return (
    <Group gap="xs" mb="xs" role="toolbar" aria-label="Replay">
      <TextInput
        ref={search}
        size="xs"
        w={210}
        aria-label="Search in the record"
        placeholder="Search in the record"
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={
          text && <CloseButton size="xs" aria-label="Clear the search" onClick={() => onText("")} />
        }
        value={text}
        onChange={(e) => onText(e.currentTarget.value)}
      />
      <Select
        size="xs"
        w={120}
        clearable
        aria-label="Show only"
        placeholder="Everything"
        data={SHOWN.map((value) => ({ value, label: value }))}
        value={show ?? null}
        onChange={(value) => onShow(oneOf(value ?? undefined, SHOWN))}
      />
      <Text size="xs" c="dimmed" role="status">
        {number}
        {reading && ", reading ..."}
      </Text>
      {props.again && (
        <Button variant="subtle" color="gray" onClick={props.again}>
          Read again
        </Button>
      )}
      <Group gap={2} ml="auto">
        {NEXT_OF.map(({ key, what, icon: Icon, test }) => (
          <Tooltip key={key} label={`Next ${what} (${key}), previous with Shift`}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Next ${what}`}
              onClick={(e) => move(e.shiftKey ? -1 : 1, test)}
            >
              <Icon size={16} stroke={1.8} />
            </ActionIcon>
          </Tooltip>
        ))}
        <Arrow label="Previous (k)" icon={IconChevronUp} onClick={() => move(-1)} />
        <Arrow label="Next (j)" icon={IconChevronDown} onClick={() => move(1)} />
      </Group>
      <Jump onJump={props.jump} />
      <PlayControls play={props.play} />
      <Keys />
    </Group>
  );
}

interface ArrowProps {
  label: string;
  icon: TablerIcon;
  onClick: () => void;
}

function Arrow({ label, icon: Icon, onClick }: ArrowProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label.replace(/ \(.*/, "")}
        onClick={onClick}
      >
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function Jump({ onJump }: { onJump: (op: string) => void }) {
  const [op, setOp] = useState<number | string>("");
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        onJump(String(op));
      }}
    >
      <NumberInput
        size="xs"
        w={76}
        hideControls
        allowNegative={false}
        allowDecimal={false}
        aria-label="Go to operation"
        placeholder="Go to #"
        value={op}
        onChange={setOp}
      />
    </form>
  );
}

function PlayControls({ play }: { play: Play }) {
  const label = play.playing ? "Pause" : "Play in recorded time";
  return (
    <Group gap="xs">
      <Tooltip label={`${label} (space)`}>
        <ActionIcon
          variant="default"
          size={30}
          aria-label={label}
          onClick={() => play.setPlaying(!play.playing)}
        >
          {play.playing ? <IconPlayerPause size={15} /> : <IconPlayerPlay size={15} />}
        </ActionIcon>
      </Tooltip>
      {play.playing && (
        <>
          <SegmentedControl
            size="xs"
            aria-label="Speed"
            data={SPEEDS.map((value) => ({ value, label: value === "max" ? "Max" : `${value}×` }))}
            value={play.speed}
            onChange={(value) => play.setSpeed(oneOf(value, SPEEDS) ?? SPEEDS[0])}
          />
          <Checkbox
            size="xs"
            label="Skip idle time"
            checked={play.skipIdle}
            onChange={(e) => play.setSkipIdle(e.currentTarget.checked)}
          />
        </>
      )}
    </Group>
  );
}

function Keys() {
  return (
    <Popover position="bottom-end" withArrow trapFocus>
      <Popover.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Keys of the replay"
          className={classes.keys}
        >
          <IconKeyboard size={16} stroke={1.7} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Table verticalSpacing={4} fz="xs" tabIndex={0}>
          <Table.Tbody>
            {KEYS.map(({ keys, what }) => (
              <Table.Tr key={what}>
                <Table.Th scope="row" fw={400}>
                  {what}
                </Table.Th>
                <Table.Td ta="right">
                  {keys.map((key) => (
                    <Kbd key={key} size="xs" ml={4}>
                      {key}
                    </Kbd>
                  ))}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Popover.Dropdown>
    </Popover>
  );
}
