"""A source for `INSERT ... SELECT ... FROM url(...)` that answers when the test says so: an insert in flight."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.waiting import LIMIT_S

LOOPBACK = "127.0.0.1"


class HeldSource:
    """One number, held until `release`."""

    def __init__(self, number: int) -> None:
        self._asked, self._released = threading.Event(), threading.Event()
        asked, released = self._asked, self._released

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.set()
                released.wait(LIMIT_S)
                body = f"{number}\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Answer)

    @property
    def sql(self) -> str:
        """What to select the column `number` from."""
        return f"url('http://{LOOPBACK}:{self.server.server_port}/', 'TSV', 'number UInt64')"

    def wait_until_asked(self) -> None:
        assert self._asked.wait(LIMIT_S)

    def release(self) -> None:
        self._released.set()


@contextmanager
def held_source(number: int) -> Iterator[HeldSource]:
    source = HeldSource(number)
    serving = threading.Thread(target=source.server.serve_forever, daemon=True)
    serving.start()
    try:
        yield source
    finally:
        source.release()
        source.server.shutdown()
        serving.join()
        source.server.server_close()
