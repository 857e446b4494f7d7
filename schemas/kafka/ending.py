"""Ending tasks that use aiokafka.

One cancellation is not enough. A client that stops waits for a task of its own that it has cancelled, and takes a
cancellation from outside for the end of that task (consumer/fetcher.py and client.py, `close`). Whoever cancels once
and waits would wait for ever.
"""

import asyncio
from typing import Any, Final

AGAIN_S: Final = 1.0  # a client that is told to stop has mostly done so by then


async def end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks until each has ended. What came of them is in the tasks."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=AGAIN_S)
