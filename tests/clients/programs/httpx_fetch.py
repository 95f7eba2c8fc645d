"""httpx: httpx_fetch.py PROXY URL; prints the body."""
import sys

import httpx

proxy, url = sys.argv[1:]
with httpx.Client(proxy=proxy, timeout=10) as client:
    print(client.get(url).raise_for_status().text, end="")
