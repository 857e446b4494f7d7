"""A worker of unmodified Faust, for tests that show what the lane rules out. It prints what its agents received.

`python -m tests.support.stock_worker '{"address": ..., "prefix": ...}'`
"""

import asyncio
import json
import logging
import os
import sys
from typing import Any

import faust

COMMIT_INTERVAL_S = 0.2
NEVER_S = 3600.0
STDOUT = 1
MORE_BYTES_THAN_THE_BROKER_TAKES = 10_000


def say(word: str, value: object) -> None:
    """Write one line for the test; not by `print`, which Faust redirects to its log."""
    os.write(STDOUT, json.dumps({"said": word, "value": value}).encode() + b"\n")


def bare_app(name: str, address: str, data_dir: str, web_port: int, commit_interval_s: float) -> faust.App:
    """An app with the usual settings."""
    return faust.App(
        name,
        broker=f"kafka://{address}",
        datadir=data_dir,
        web_enabled=False,
        web_port=web_port,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_commit_interval=commit_interval_s,
        stream_wait_empty=False,
    )


def crashing_app(address: str, prefix: str, data_dir: str, web_port: int, group: str) -> faust.App:
    """An app that never commits by itself before one of its services crashes."""
    app = bare_app(f"{prefix}{group}", address, data_dir, web_port, NEVER_S)
    done = asyncio.Event()

    @app.agent(app.topic(f"{prefix}crashes", value_type=bytes, value_serializer="raw"))
    async def crashes(stream: Any) -> None:
        async for value in stream:
            say("crashes", value.decode())
            # The first event is acknowledged when the second is requested: only then is there anything to commit.
            if value != b"0":
                done.set()

    @app.task  # type: ignore[untyped-decorator]
    async def crash() -> None:
        await done.wait()
        raise ValueError("a service that cannot go on")

    return app


def stock_app(address: str, prefix: str, data_dir: str, web_port: int) -> faust.App:
    """An app of five agents, each with the hazard that it is named after. Its settings disable the web server."""
    app = bare_app(f"{prefix}stock", address, data_dir, web_port, COMMIT_INTERVAL_S)
    small = app.topic(f"{prefix}small", value_type=bytes, value_serializer="raw")

    def source(name: str, serializer: str = "raw") -> Any:
        return app.topic(f"{prefix}{name}", value_type=bytes, value_serializer=serializer)

    @app.agent(source("raises"))
    async def raises(stream: Any) -> None:
        async for value in stream:
            if value == b"0":
                raise ValueError("an agent that cannot")
            say("raises", value.decode())

    @app.agent(source("sends"))
    async def sends(stream: Any) -> None:
        async for value in stream:
            await small.send(value=b"x" * MORE_BYTES_THAN_THE_BROKER_TAKES)
            say("sends", value.decode())

    @app.agent(source("decodes", "json"))
    async def decodes(stream: Any) -> None:
        async for value in stream:
            say("decodes", value)

    @app.agent(source("cut"))
    async def cut(stream: Any) -> None:
        async for value in stream:
            say("cut", value.decode())

    @app.agent(source("parallel"), concurrency=2)
    async def parallel(stream: Any) -> None:
        async for value in stream:
            if value == b"0":
                await asyncio.Event().wait()
            say("parallel", value.decode())

    return app


def main() -> None:
    """Run it as Faust's own command does."""
    told = json.loads(sys.argv[1])
    logging.getLogger("faust").setLevel(logging.ERROR)
    crashes = told.pop("app", "stock") == "crashing"
    app = crashing_app(**told) if crashes else stock_app(**told)
    sys.argv = ["stock", "worker", "--loglevel", "error"]
    app.main()


if __name__ == "__main__":
    main()
