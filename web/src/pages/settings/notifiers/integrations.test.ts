// What new notifiers begin with can be read, and says where to.
import { describe, expect, it } from "vitest";
import { parse } from "@/ui/resources/yaml";
import { INTEGRATIONS } from "./integrations";

const WHERE_TO = ["slack", "teams", "email", "webhook", "jira"];

describe("what a notifier begins with", () => {
  it.each(INTEGRATIONS)("$title", ({ begun, about, steps }) => {
    const { kind, name, body, documents, marks } = parse(begun);
    expect({ kind, documents, marks }).toEqual({ kind: "Notifier", documents: 1, marks: [] });
    expect(name).not.toBe("");
    expect(Object.keys(body ?? {}).filter((key) => WHERE_TO.includes(key))).toHaveLength(1);
    expect(about && steps.length).toBeTruthy();
  });
});
