// Errors of the API, topics of paths, and how long to wait for the stream.
import { describe, expect, it } from "vitest";
import { ApiError, asApiError, readError } from "./client";
import { backOff } from "./live";
import { topicOf } from "./topics";

const answer = (status: number, body: string) => new Response(body, { status });

describe("readError", () => {
  it("keeps what the gateway says", async () => {
    const problems = [{ file: "a.cedar", line: 3, column: 1, message: "unexpected token" }];
    const body = JSON.stringify({ error: "it does not fit", hint: "look at line 3", problems });
    const error = await readError(answer(422, body));
    expect(error).toMatchObject({
      status: 422,
      message: "it does not fit",
      hint: "look at line 3",
      problems,
      mayPass: false,
    });
  });

  it("copes with a page from something in between", async () => {
    const error = await readError(answer(502, "<html>bad gateway</html>"));
    expect(error).toMatchObject({ status: 502, mayPass: true, problems: [] });
  });
});

it("takes a failed fetch for a gateway out of reach", () => {
  expect(asApiError(new TypeError("failed to fetch"))).toMatchObject({ status: 0, mayPass: true });
});

it("promises to try again only what was asked, not what was to be done", () => {
  const lost = (writes: boolean) => asApiError(new TypeError("failed to fetch"), writes);
  expect(lost(false).hint).toContain("tries again by itself");
  expect(lost(true).hint).toContain("not known whether this was done");
  expect([0, 502, 503, 409].map((status) => new ApiError(status, "").unanswered)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

it.each([
  ["/v1/approvals/{id}", "approvals"],
  ["/v1/requests", "approvals"],
  ["/v1/sign-ins", "principals"],
  ["/v1/connections", "resources"],
  ["/healthz", "health"],
])("%s belongs to %s", (path, topic) => {
  expect(topicOf(path)).toBe(topic);
});

it("waits longer each time, up to a limit", () => {
  expect([1, 2, 3, 10].map((n) => backOff(n, 0))).toEqual([1000, 2000, 4000, 30000]);
  expect(backOff(10, 1)).toBe(45000);
});
