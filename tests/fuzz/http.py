"""`python -m tests.fuzz.http --bodies 100000 [--seed N]`: mutated bodies at the HTTP door; ends with 1 when one is
answered wrongly. Prints how many were answered with which status, and how many facts were refused for which reason."""

import argparse
import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx2

from peserta.api.documents import REASONS
from peserta.api.limits import Limits
from peserta.api.problems import PROBLEM
from schemas.vocabulary import KINDS
from tests.fuzz.mutation import PERSONAL, Request, request
from tests.support.http_door import HttpDoor

BODIES: Final = 100_000
SEED: Final = 11
STATUSES: Final = frozenset((200, 400, 413, 415, 422))
FREE: Final = Limits(requests_per_minute=10**9)
SHOWN_MAX: Final = 5


@dataclass
class Findings:
    """What was answered, and what was wrong with it."""

    statuses: Counter[int] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


async def fuzz(bodies: int, seed: int) -> Findings:
    """Send so many bodies to an application in this process, one after the other."""
    chance, found, door, log = random.Random(seed), Findings(), HttpDoor(limits=FREE), _Log()
    logging.getLogger().addHandler(log)
    try:
        # One type is not allowed, so that limits are met as well.
        async with door.client(door.keys.add(types=[kind for kind in KINDS if kind != "correction"])) as client:
            for number in range(bodies):
                asked, before = request(chance), len(door.log.sent)
                headers = {"Content-Type": asked.media, **asked.headers}
                answer = await client.post(f"/v1/facts{asked.query}", content=asked.body, headers=headers)
                sent = len(door.log.sent) - before
                wrong = [*_wrong(asked, answer, sent, found), *log.taken()]
                found.wrong += [f"body {number}: {what}: {asked!r}" for what in wrong]
                del door.log.sent[:]
    finally:
        logging.getLogger().removeHandler(log)
    return found


def _wrong(asked: Request, answer: httpx2.Response, sent: int, found: Findings) -> Iterator[str]:
    """What an answer does not keep of SEMANTICS 12."""
    status, fields = answer.status_code, answer.json()
    found.statuses[status] += 1
    if status not in STATUSES:
        yield f"answered with {status}"
    if "Traceback" in answer.text or any(number in answer.text for number in PERSONAL):
        yield "the answer repeats what it must not"
    if (answer.headers["content-type"] == PROBLEM) != (status != 200):
        yield "another form of answer"
    if sent != (fields["accepted"] if status == 200 else 0):
        yield f"{sent} facts were sent"
    refused = fields.get("refused", [])
    numbers = [one["line"] for one in refused]
    if len(set(numbers)) < len(numbers):
        yield "a fact has two fates"
    if {one["reason"] for one in refused} - set(REASONS):
        yield "a reason that is none"
    if status == 200 and asked.media.endswith("ndjson") and "ce-specversion" not in asked.headers:
        lines = sum(bool(line.strip(b" \t")) for line in _lines(asked.body))
        if fields["accepted"] + len(refused) != lines:
            yield "the counts do not add up to the lines"
    if status == 200:
        found.fates["accepted"] += sent
        found.fates.update(one["reason"] for one in refused)


def _lines(body: bytes) -> list[bytes]:
    return [line.rstrip(b"\r") for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n")]


class _Log(logging.Handler):
    """Everything that was logged, for it may repeat no value either."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))

    def taken(self) -> list[str]:
        """What was logged since, as a finding."""
        lines, self._lines = self._lines, []
        return [f"logged {line}" for line in lines]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Mutated bodies at the HTTP door.")
    parser.add_argument("--bodies", type=int, default=BODIES)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    found = asyncio.run(fuzz(asked.bodies, asked.seed))
    say = sys.stdout.write
    say(f"{asked.bodies} bodies, seed {asked.seed}\n")
    for status, count in sorted(found.statuses.items()):
        say(f"  {status}  {count:>8}\n")
    for fate, count in found.fates.most_common():
        say(f"  {fate:28} {count:>8}\n")
    for wrong in found.wrong[:SHOWN_MAX]:
        say(f"WRONG: {wrong}\n")
    say(f"{len(found.wrong)} wrong answers\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
