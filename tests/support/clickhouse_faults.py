"""A test's hand on the fault points of a ClickHouse process that was started with FAULTY_PROGRAM."""

import json
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

FAULTY_PROGRAM = "tests.support.faulty_clickhouse"
ANSWER_LIMIT_S = 60


class Faults:
    """Sets and clears rules; see `tests.support.faulty_clickhouse.Rule` for what a rule may say."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/faults"

    def add(self, action: str, point: str = "before", **rule: object) -> None:
        self._ask("POST", json.dumps({"action": action, "point": point, **rule}).encode())

    def clear(self) -> None:
        """Remove every rule; waiting queries continue."""
        self._ask("DELETE")

    def hits(self) -> list[int]:
        """How often each rule's fault happened, in the order in which they were added."""
        return [rule["hits"] for rule in self._ask("GET")["rules"]]

    def queries(self) -> list[dict[str, Any]]:
        """`sql` and `settings` of each query since the start."""
        queries: list[dict[str, Any]] = self._ask("GET")["queries"]
        return queries

    def _ask(self, method: str, data: bytes | None = None) -> Any:
        asked = Request(self._url, data, method=method)
        with build_opener(ProxyHandler({})).open(asked, timeout=ANSWER_LIMIT_S) as answer:
            return json.load(answer)
