# pip install "python-socketio[asyncio_client]"
# python notifications.py fan@example.com "a long sentence 42"
import asyncio
import sys
from typing import Any

import aiohttp
import socketio

SERVER = "https://mypick.example"
SPACE = "/notifications"

client = socketio.AsyncClient(reconnection=False)
at: dict[str, Any] = {}  # the stream, its epoch, and the seq of the last event that was applied
turn = asyncio.Lock()  # events wait while a sync is under way


async def log_in(email: str, password: str) -> str:
    body = {"email": email, "password": password}
    async with aiohttp.ClientSession() as http, http.post(f"{SERVER}/api/v1/auth/login", json=body) as response:
        answer = await response.json()
    if not answer["success"]:
        raise ConnectionError(f"{answer['error']['code']}: {answer['error']['message']}")
    return str(answer["data"]["access_token"])


def apply(event: dict[str, Any]) -> None:
    if event["seq"] == at["seq"] + 1:  # a lower one was seen before
        at["seq"] = event["seq"]
        print(event["seq"], f"{event['data']['title']}: {event['data']['body']}", flush=True)


async def resume() -> None:
    more = True
    while more:
        command = {"stream": at["stream"], "epoch": at["epoch"], "after_seq": at["seq"]}
        reply = await client.call("sync", command, namespace=SPACE, timeout=10)
        if not reply["ok"]:
            print(reply["error"]["code"], reply["error"]["message"], file=sys.stderr)
            return
        if reply["data"]["reset"]:  # away for too long: unread-notifications comes anew
            at.clear()
            return
        for event in reply["data"]["events"]:
            apply(event)
        more = reply["data"]["more"]


async def unread(inbox: dict[str, Any]) -> None:
    async with turn:
        print(inbox["unread_count"], "unread", flush=True)
        if at.get("epoch") == inbox["epoch"]:
            await resume()  # here before: ask for what was missed
        else:
            at.update(stream=inbox["stream"], epoch=inbox["epoch"], seq=inbox["head_seq"])


async def new(event: dict[str, Any]) -> None:
    async with turn:
        if at.get("epoch") == event["epoch"] and event["seq"] <= at["seq"] + 1:
            apply(event)
        elif at:
            await resume()


async def lagged(_: dict[str, Any]) -> None:
    async with turn:
        if at:
            await resume()


client.on("unread-notifications", unread, SPACE)
client.on("new-notification", new, SPACE)
client.on("lagged", lagged, SPACE)


async def main(email: str, password: str) -> None:
    while True:
        try:
            token = await log_in(email, password)
            await client.connect(SERVER, namespaces=[SPACE], auth={"token": token})
            await client.wait()
        except (ConnectionError, aiohttp.ClientError, socketio.exceptions.ConnectionError) as failure:
            print(failure, file=sys.stderr)
        await asyncio.sleep(10)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
