"""A WebSocket server that echoes every message as it came. Prints its port."""
import asyncio
import sys

import websockets


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], 0, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
