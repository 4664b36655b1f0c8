// Node's own fetch through the gateway.
import assert from "node:assert/strict";
const base = `https://localhost:${process.env.WEB_PORT}/c/reports`;
const headers = { authorization: `Bearer ${process.env.WEB_TOKEN}` };
const people = await (await fetch(`${base}/people`, { headers })).json();
assert.deepEqual(people.map((person) => person.email), ["[redacted]", "[redacted]"]);
const echoed = await (await fetch(`${base}/echo`, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: '{"month":"May"}' })).json();
assert.equal(echoed.text, '{"month":"May"}');
assert.equal(echoed.headers.authorization, "Bearer reports-secret");
const redirected = await fetch(`${base}/redirect`, { headers });
assert.ok(redirected.redirected && redirected.url.endsWith("/c/reports/people"), redirected.url);
const refused = await fetch(`${base}/people`, { method: "DELETE", headers });
assert.equal(refused.status, 403);
const controller = new AbortController();
const events = await fetch(`${base}/events`, { headers, signal: controller.signal });
const first = await events.body.getReader().read();
assert.match(new TextDecoder().decode(first.value), /\[redacted\]/);
controller.abort();
console.log("ok");
