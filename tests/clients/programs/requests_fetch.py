"""requests: requests_fetch.py PROXY URL; prints the body."""
import sys

import requests

proxy, url = sys.argv[1:]
answer = requests.get(url, proxies={"http": proxy}, timeout=10)
answer.raise_for_status()
print(answer.text, end="")
