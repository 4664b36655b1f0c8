"""Opens many connections with TLS, asks once on each, and keeps them open until its input ends."""
import asyncio
import ssl
import sys
from urllib.parse import urlparse

url, token, count = urlparse(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
ask = f"GET {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer {token}\r\n\r\n".encode()


async def one(turn):
    async with turn:
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context)
        writer.write(ask)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        return reader, writer


async def main():
    turn = asyncio.Semaphore(64)
    kept = await asyncio.gather(*(one(turn) for _ in range(count)))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return kept


asyncio.run(main())
