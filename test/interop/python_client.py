"""A client that was not written by this project: the websockets library of Debian's Python.

Speaks the protocol as docs/protocol.md has it. Prints one line of JSON for each thing it saw, for the test that runs it.
"""

import asyncio
import json
import sys

import websockets


async def main(url: str) -> None:
    async with websockets.connect(f"{url}/?client=python", subprotocols=["holdfast.v1"]) as socket:
        say("connected", subprotocol=socket.subprotocol, welcome=json.loads(await socket.recv()))

        await socket.send(json.dumps({"type": "publish", "ref": 1, "queue": "from-python", "body": {"sku": "Å-17", "count": 2**60 + 1}}))
        say("published", answer=json.loads(await socket.recv()))
        await socket.send(json.dumps({"type": "publish", "ref": 2, "queue": "from-python"}).encode() + b"\n" + bytes(range(256)))
        say("published", answer=json.loads(await socket.recv()))

        await socket.send(json.dumps({"type": "subscribe", "ref": 3}))
        say("subscribed", answer=json.loads(await socket.recv()))
        ids = []
        for _ in range(2):
            frame = await socket.recv()
            head, body = (frame, None) if isinstance(frame, str) else frame.split(b"\n", 1)
            message = json.loads(head)
            say("received", message=message, hex=None if body is None else body.hex())
            ids.append(message["id"])
        await socket.send(json.dumps({"type": "ack", "ref": "done", "ids": ids}))
        say("acknowledged", answer=json.loads(await socket.recv()))


def say(what: str, **details: object) -> None:
    print(json.dumps({"what": what, **details}), flush=True)


asyncio.run(main(sys.argv[1]))
