// A WebSocket over HTTP/2 (RFC 8441) through the gateway: Node's own client, and frames by hand.
import assert from "node:assert/strict";
import http2 from "node:http2";
import { once } from "node:events";

const session = http2.connect(`https://localhost:${process.env.WEB_PORT}`);
const [settings] = await once(session, "remoteSettings");
assert.equal(settings.enableConnectProtocol, true);
const stream = session.request({
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":authority": `localhost:${process.env.WEB_PORT}`,
  ":path": "/c/reports/socket",
  "sec-websocket-version": "13",
  authorization: `Bearer ${process.env.WEB_TOKEN}`,
}, { endStream: false });
const [head] = await once(stream, "response");
assert.equal(head[":status"], 200);
const mask = Buffer.from([1, 2, 3, 4]);
const frame = (opcode, text) => {
  const payload = Buffer.from(text).map((byte, at) => byte ^ mask[at & 3]);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, payload]);
};
stream.write(frame(1, "who"));
let answer = Buffer.alloc(0);
while (!answer.includes("}")) answer = Buffer.concat([answer, (await once(stream, "data"))[0]]);
assert.equal(JSON.parse(answer.subarray(2)).email, "[redacted]");
stream.write(frame(8, ""));
const [close] = await once(stream, "data");
assert.equal(close[0], 0x88);
stream.end();
session.close();
console.log("ok");
