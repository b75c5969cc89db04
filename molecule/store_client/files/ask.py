"""Put an address on a list, and say why it is there. Settings come on standard input."""

import asyncio
import json
import sys

from provisioner_store.store import connect
from provisioner_store.suppressions import Suppressions


async def main():
    lists = Suppressions(connect(json.load(sys.stdin)))
    await lists.add("acme", [["Anna@gmail.test", "manual", 1, ""]])
    entry = await lists.of("acme", "anna@gmail.test")
    print(entry.reason)


asyncio.run(main())
