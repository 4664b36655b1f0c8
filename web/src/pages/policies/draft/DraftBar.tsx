// What is changed and not applied yet, with what can be done about it. Stays while one moves between the tabs.
import { Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconPencil } from "@tabler/icons-react";
import { Link } from "react-router";
import { to } from "@/app/to";
import { counted } from "@/ui/numbers";
import { useReview } from "@/ui/resources/useReview";
import { useConfirm } from "@/ui/useConfirm";
import classes from "./draft.module.css";
import { type Draft, pack } from "./entries";
import { useDraft } from "./useDraft";
import { useDraftCheck } from "./useDraftCheck";

/** How many files: several resources may stand in one. */
function files(draft: Draft): number {
  return new Set(draft.map((e) => e.file)).size;
}

export function DraftBar() {
  const { draft, applied, clear } = useDraft();
  const check = useDraftCheck(draft);
  const review = useReview();
  const confirm = useConfirm();
  if (draft.length === 0) return null;
  const apply = async () => {
    if (await review({ title: "Review changes", sent: pack(draft).sent })) applied(draft);
  };
  const discard = async () => {
    const yes = await confirm({
      title: "Discard your changes?",
      body: `What you changed in ${counted(files(draft), "file")} is lost. Nothing of it was applied.`,
      confirm: "Discard",
      danger: true,
    });
    if (yes) clear();
  };
  return (
    <section aria-label="Your changes" className={classes.bar}>
      <Group gap={8} wrap="nowrap">
        {check.state === "wrong" ? (
          <IconAlertTriangle size={17} color="var(--mantine-color-error)" aria-hidden />
        ) : (
          <IconPencil size={17} aria-hidden />
        )}
        <Text size="sm" fw={600} component="span">
          {counted(files(draft), "file")} changed, not applied
          {check.state === "wrong" && `: ${counted(check.problems.length, "problem")}`}
        </Text>
      </Group>
      <Group gap="xs" ml="auto">
        <Button onClick={() => void apply()}>Review</Button>
        <Button variant="default" component={Link} to={to.policyTests} state={{ run: true }}>
          Test
        </Button>
        <Button variant="default" component={Link} to={to.dryRun}>
          Dry run
        </Button>
        <Button variant="subtle" color="red" onClick={() => void discard()}>
          Discard
        </Button>
      </Group>
    </section>
  );
}
