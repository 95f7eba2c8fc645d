"""aiohttp-socks: aiohttp_fetch.py PROXY URL; prints the body."""
import asyncio
import sys

from aiohttp import ClientSession
from aiohttp_socks import ProxyConnector


async def fetch(proxy, url):
    async with ClientSession(connector=ProxyConnector.from_url(proxy, rdns=True), raise_for_status=True) as session:
        async with session.get(url) as answer:
            return await answer.text()


print(asyncio.run(fetch(*sys.argv[1:])), end="")
