"""A receiver of notices inside the demonstration: a webhook on the loopback address that checks signatures."""

import base64
import hashlib
import hmac
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from peserta.operations.subscriptions import apply_subscriptions, end_subscription, plan_subscriptions
from peserta.settings import Settings
from schemas.subscriptions import WEBHOOK, Subscription
from streams.clock import now_ms

if TYPE_CHECKING:
    import uvicorn

LOOPBACK: Final = "127.0.0.1"
SUBSCRIPTION: Final = "demo-receiver"
SECRET: Final = "demo-receiver"  # the name of the file, not the secret
SECRETS_FOLDER: Final = "secrets"
SECRET_BYTES: Final = 32
PATH: Final = "/alerts"
END_LIMIT_S: Final = 10.0


@dataclass
class Receiver:
    """What came: notice id -> how often each content came, by its digest. `unsigned` counts what nobody signed."""

    key: bytes
    url: str
    host: str
    secrets_folder: Path
    came: dict[str, Counter[str]] = field(default_factory=dict)
    unsigned: int = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """One call of the webhook; returns the status of the answer."""
        signed = ".".join((headers["webhook-id"], headers["webhook-timestamp"], body.decode()))
        right = b"v1," + base64.b64encode(hmac.digest(self.key, signed.encode(), "sha256"))
        if not any(hmac.compare_digest(right, one.encode()) for one in headers["webhook-signature"].split()):
            self.unsigned += 1
            return HTTPStatus.UNAUTHORIZED
        contents = self.came.setdefault(unquote(headers["webhook-id"]), Counter())
        contents[hashlib.sha256(body).hexdigest()] += 1
        return HTTPStatus.NO_CONTENT

    def settings(self, settings: Settings) -> Settings:
        """The settings with which a notifier may and can send here."""
        own = {"notice_secrets_dir": self.secrets_folder, "notice_allowed_hosts": (self.host,)}
        return settings.model_copy(update=own)

    async def subscribe(self, settings: Settings) -> None:
        """Ask for every alert from now on."""
        wanted = Subscription(SUBSCRIPTION, WEBHOOK, (self.url,), effective_from=0, language="en", secrets=(SECRET,))
        await apply_subscriptions(settings, await plan_subscriptions(settings, [wanted], now_ms()))

    async def unsubscribe(self, settings: Settings) -> None:
        """Ask for no more: nobody listens at the address when the demonstration is over."""
        await end_subscription(settings, SUBSCRIPTION, now_ms())


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """Listen while inside the context; the secret of the signatures lies in `folder`."""
    secrets_folder, key = folder / SECRETS_FOLDER, secrets.token_bytes(SECRET_BYTES)
    secrets_folder.mkdir(mode=0o700, parents=True)
    file = secrets_folder / SECRET
    file.touch(mode=0o600)
    file.write_text(f"whsec_{base64.b64encode(key).decode()}\n", encoding="ascii")
    with socket.create_server((LOOPBACK, 0)) as own:
        host = f"{LOOPBACK}:{own.getsockname()[1]}"
        receiver = Receiver(key, f"http://{host}{PATH}", host, secrets_folder)
        server = _server(receiver)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [own]}, name="receiver", daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.should_exit = True
            thread.join(END_LIMIT_S)


def _server(receiver: Receiver) -> "uvicorn.Server":
    # Only a demonstration that runs needs these libraries, and not the help of its command.
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def take(request: Request) -> Response:
        return Response(status_code=receiver.take(request.headers, await request.body()))

    app = Starlette(routes=[Route(PATH, take, methods=["POST"])])
    return uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_level="warning"))
