// A service as people have them: JSON, tables, files, events, cookies, uploads, WebSockets. Plain HTTP/1.1 on one port and,
// with a key and a certificate, HTTP/2 and HTTP/1.1 over TLS on another. Prints both ports.
import http from "node:http";
import http2 from "node:http2";
import zlib from "node:zlib";
import fs from "node:fs";
import { createHash } from "node:crypto";

const people = [
  { name: "Ada", email: "ada@example.com", ssn: "536-22-8726" },
  { name: "Grace", email: "grace@example.com", ssn: "536-22-8727" },
];
const MEGABYTE = Buffer.alloc(1024 * 1024, "0123456789abcde\n");
let ran = 0;

const send = (response, type, body, headers = {}, status = 200) => {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...headers });
  response.end(body);
};

const pages = {
  "/people": (q, s) => send(s, "application/json", JSON.stringify(people)),
  "/people.gz": (q, s) => send(s, "application/json", zlib.gzipSync(JSON.stringify(people)), { "content-encoding": "gzip" }),
  "/people.br": (q, s) => send(s, "application/json", zlib.brotliCompressSync(JSON.stringify(people)), { "content-encoding": "br" }),
  "/people.csv": (q, s) => send(s, "text/csv", "name,email\nAda,ada@example.com\n"),
  "/people.xml": (q, s) => send(s, "application/xml", "<people><person><email>ada@example.com</email></person></people>"),
  "/people.ndjson": (q, s) => send(s, "application/x-ndjson", people.map((p) => JSON.stringify(p) + "\n").join("")),
  "/people.form": (q, s) => send(s, "application/x-www-form-urlencoded", "name=Ada&email=ada%40example.com"),
  "/people.txt": (q, s) => send(s, "text/plain", "write to ada@example.com\n"),
  "/page": (q, s) => send(s, "text/html", "<!doctype html><title>Reports</title><h1>Reports</h1><a href='/people'>people</a>"
    + "<form method=post action='run'><input name=month value=May><button>Run</button></form>"),
  "/file": (q, s) => send(s, "application/octet-stream", "0123456789"),
  "/redirect": (q, s) => { s.writeHead(302, { location: `http://${q.headers.host ?? q.headers[":authority"]}/people` }); s.end(); },
  "/elsewhere": (q, s) => { s.writeHead(302, { location: "https://elsewhere.example/x" }); s.end(); },
  "/cookie": (q, s) => send(s, "text/plain", String(q.headers.cookie ?? ""), { "set-cookie": ["sid=7; Path=/; HttpOnly", "__Host-sluice-site=evil; Path=/; Secure"] }),
  "/fails": (q, s) => send(s, "text/plain", "broken\n", {}, 500),
  "/slow": (q, s) => setTimeout(() => send(s, "text/plain", "slow\n"), 1500),
  "/header": (q, s) => send(s, "text/plain", "ok\n", { "x-contact": "ada@example.com" }),
  "/ran": (q, s) => send(s, "text/plain", String(ran)),
  "/cut": (q, s) => { s.writeHead(200, { "content-type": "application/json", "content-length": 1000 }); s.write('{"a":1'); setTimeout(() => s.destroy?.(), 50); },
  "/broken.json": (q, s) => send(s, "application/json", '{"email": "ada@example.com", nonsense'),
};

const events = (q, s) => {
  s.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    s.write(`event: person\ndata: ${JSON.stringify(people[sent % 2])}\n\n`);
    if (++sent === 3) { clearInterval(timer); s.end(); }
  }, 100);
};

const big = (q, s, url) => {
  let left = Number(url.searchParams.get("megabytes"));
  s.writeHead(200, { "content-type": url.searchParams.get("type") ?? "text/plain", "content-length": left * MEGABYTE.length });
  const more = () => {
    while (left > 0) { left--; if (!s.write(MEGABYTE)) { s.once("drain", more); return; } }
    s.end();
  };
  more();
};

const range = (q, s) => {
  const all = "0123456789";
  const asked = /^bytes=(\d+)-(\d+)$/.exec(q.headers.range ?? "");
  if (!asked) return send(s, "text/plain", all, { "accept-ranges": "bytes" });
  const [from, to] = [Number(asked[1]), Number(asked[2])];
  send(s, "text/plain", all.slice(from, to + 1), { "content-range": `bytes ${from}-${to}/10` }, 206);
};

const handle = (q, s) => {
  const url = new URL(q.url, "http://service");
  const path = url.pathname.replace(/^\/base/, "");
  if (path === "/events") return events(q, s);
  if (path === "/big") return big(q, s, url);
  if (path === "/range") return range(q, s);
  if (pages[path]) return pages[path](q, s);
  const hash = createHash("sha256");
  let bytes = 0, text = "";
  q.on("data", (data) => { bytes += data.length; hash.update(data); if (text.length < 4096) text += data; });
  q.on("end", () => {
    if (path === "/run") ran++;
    const headers = Object.fromEntries(Object.entries(q.headers).filter(([name]) => !name.startsWith(":")));
    const socket = q.stream?.session?.socket ?? q.socket;
    const peer = socket.getPeerCertificate?.()?.subject?.CN;
    const seen = { peer, method: q.method, url: q.url, version: q.httpVersion, host: q.headers.host ?? q.headers[":authority"], headers, bytes, hash: hash.digest("hex"), text };
    if (path === "/echo" || path === "/run") return send(s, "application/json", JSON.stringify(seen));
    send(s, "text/plain", "not here\n", {}, 404);
  });
};

// Frames of at most 64 KiB, for texts that are echoed.
const socket = (q, socket) => {
  const path = new URL(q.url, "http://service").pathname;
  if (path === "/refused-socket") return socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nno\n");
  const accept = createHash("sha1").update(q.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  const right = path === "/wrong-socket" ? "AAAA" : accept;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${right}\r\n\r\n`);
  let buffer = Buffer.alloc(0);
  const frame = (opcode, payload) => {
    const length = payload.length < 126 ? Buffer.from([payload.length]) : Buffer.from([126, payload.length >> 8, payload.length & 255]);
    socket.write(Buffer.concat([Buffer.from([0x80 | opcode]), length, payload]));
  };
  socket.on("error", () => {});
  socket.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      if (buffer.length < 6) return;
      let length = buffer[1] & 127, at = 2;
      if (length === 126) { length = buffer.readUInt16BE(2); at = 4; }
      if (buffer.length < at + 4 + length) return;
      const mask = buffer.subarray(at, at + 4), opcode = buffer[0] & 15;
      const payload = Buffer.from(buffer.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ mask[i & 3]);
      buffer = buffer.subarray(at + 4 + length);
      if (opcode === 8) { frame(8, payload); return socket.end(); }
      if (opcode === 9) frame(10, payload);
      if (opcode === 1 || opcode === 2) frame(opcode, opcode === 1 && payload.toString() === "who" ? Buffer.from(JSON.stringify(people[0])) : payload);
    }
  });
};

const plain = http.createServer({ maxHeaderSize: 65536 }, handle).on("upgrade", socket);
plain.listen(0, "127.0.0.1", () => {
  const [key, certificate] = process.argv.slice(2);
  if (!key) return console.log(plain.address().port, 0);
  const options = { key: fs.readFileSync(key), cert: fs.readFileSync(certificate), allowHTTP1: true, requestCert: true, rejectUnauthorized: false };
  const secure = http2.createSecureServer(options, handle);
  secure.listen(0, "127.0.0.1", () => console.log(plain.address().port, secure.address().port));
});
