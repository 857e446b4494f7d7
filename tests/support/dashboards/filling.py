"""What Grafana puts in the place of its macros and variables, for the story of the demonstration."""

from typing import Final

FILLED: Final = {
    "$__fromTime": "toDateTime(1727715600)",  # 2024-10-01 in Asia/Jakarta
    "$__toTime": "toDateTime(1767200399)",  # the end of 2025-12-31
    "${policy}": "pact-20pp",
    "${company}": "JT-0003-A",
}


def filled(text: str) -> str:
    """The text with its macros and variables replaced."""
    for each, value in FILLED.items():
        text = text.replace(each, value)
    return text
