"""A real SMTP server on the loopback address, which refuses, hangs or hangs up where a test wants it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class MailServer:
    """`replies`: what it answers instead of yes, by recipient, by `sender` or by `data`. `taken`: (recipients, message)
    of each mail."""

    replies: dict[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.replies.get("sender", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs:
            await self.released.wait()
        if "data" in self.replies:
            return self.replies["data"]
        assert isinstance(envelope.content, bytes)
        self.taken.append((list(envelope.rcpt_tos), envelope.content))
        return "250 OK"

    def signs_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        is_known = isinstance(given, LoginPassword) and self.users.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=is_known, handled=False)


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, **given: Any
) -> AsyncIterator[MailServer]:
    """A server; with `tls` it wants STARTTLS, or TLS from the first byte if `at_once`."""
    mail = MailServer(**given)

    def speak() -> SMTP:
        return SMTP(
            mail,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
            authenticator=mail.signs_in if mail.users else None,
            auth_require_tls=False,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(speak, "127.0.0.1", 0, ssl=tls if at_once else None)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        mail.released.set()
        server.close()
