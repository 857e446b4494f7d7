"""Writes the dashboards: `python -m tests.support.dashboards`."""

from tests.support.dashboards.files import written

if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
