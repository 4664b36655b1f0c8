"""requests, httpx over HTTP/1.1 and 2, aiohttp and websockets through the gateway, each as its users write it."""
import asyncio
import hashlib
import json
import os
import ssl

import aiohttp
import httpx
import requests
import websockets

port, ca, token = os.environ["WEB_PORT"], os.environ["WEB_CA"], os.environ["WEB_TOKEN"]
base = f"https://localhost:{port}/c/reports"
bearer = {"authorization": f"Bearer {token}"}
MASKED = [{"name": "Ada", "email": "[redacted]", "ssn": "[redacted]"}, {"name": "Grace", "email": "[redacted]", "ssn": "[redacted]"}]

# requests: a session with basic authentication, redirects followed, cookies kept, an upload that is streamed.
session = requests.Session()
session.verify, session.auth = ca, ("svc", token)
assert session.get(f"{base}/people").json() == MASKED
assert session.get(f"{base}/people.gz").json() == MASKED
assert session.get(f"{base}/redirect").json() == MASKED
assert session.get(f"{base}/cookie").text == ""
assert session.get(f"{base}/cookie").text == "sid=7"
body = os.urandom(1) * (3 * 1024 * 1024)
pieces = (body[at:at + 65536] for at in range(0, len(body), 65536))
seen = session.post(f"{base}/echo", data=pieces, headers={"content-type": "application/octet-stream"}).json()
assert (seen["bytes"], seen["hash"]) == (len(body), hashlib.sha256(body).hexdigest()), seen
assert seen["headers"]["authorization"] == "Bearer reports-secret"
refused = session.get(f"{base}/file")
assert refused.status_code == 403 and "cannot be read" in refused.json()["error"], refused.text
assert session.delete(f"{base}/people").status_code == 403

# httpx, both versions.
for two in (False, True):
    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(verify=context, http2=two, headers=bearer) as client:
        answer = client.get(f"{base}/people")
        assert answer.json() == MASKED and answer.http_version == ("HTTP/2" if two else "HTTP/1.1")
        with client.stream("GET", f"{base}/events") as stream:
            data = [line[6:] for line in stream.iter_lines() if line.startswith("data: ")]
        assert [json.loads(line)["email"] for line in data] == ["[redacted]"] * 3, data
        with client.stream("GET", f"{base}/big?megabytes=20") as stream:
            assert sum(len(part) for part in stream.iter_bytes()) == 20 * 1024 * 1024


async def asynchronous():
    context = ssl.create_default_context(cafile=ca)
    async with aiohttp.ClientSession(headers=bearer) as client:
        async with client.get(f"{base}/people", ssl=context) as answer:
            assert await answer.json() == MASKED
        answers = await asyncio.gather(*(client.get(f"{base}/people.csv", ssl=context) for _ in range(50)))
        for answer in answers:
            assert await answer.text() == "name,email\nAda,[redacted]\n"
        async with client.ws_connect(f"{base}/socket", ssl=context) as socket:
            await socket.send_str("who")
            assert json.loads((await socket.receive()).data)["email"] == "[redacted]"
    where = f"wss://localhost:{port}/c/reports/socket"
    async with websockets.connect(where, ssl=context, additional_headers=bearer) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        await (await socket.ping())
        await socket.send("who")
        assert json.loads(await socket.recv())["ssn"] == "[redacted]"


asyncio.run(asynchronous())
print("ok")
