"""A process that makes every call of a client at once and is stopped meanwhile: prints what came of each.

python sleeper.py BASE_URL VIDEO_URL SECONDS
"""

import asyncio
import json
import sys

from seedance_nb.api.client import Client
from seedance_nb.api.models import VideoRequest
from seedance_nb.settings import Limits, Secret


async def watch(client, url):
    async with client.video(url) as stream:
        return b"".join([chunk async for chunk in stream.chunks]).decode()


async def told(action):
    try:
        return str(await action)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


async def main(base_url, video_url, seconds):
    names = ("connect_timeout", "read_timeout", "create_timeout", "stall_timeout", "download_timeout")
    async with Client(base_url, Secret("a-key"), Limits(**dict.fromkeys(names, seconds))) as client:
        actions = {
            "create": client.create(VideoRequest(prompt="a boat")),
            "look": client.get("req_1"),
            "cancel": client.cancel("req_1"),
            "models": client.models(),
            "video": watch(client, video_url),
        }
        print(json.dumps(dict(zip(actions, await asyncio.gather(*map(told, actions.values())), strict=True))))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
