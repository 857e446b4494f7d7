"""The channels by name. A new one is a module with the interface of `channel`, a line here, and its name in
`schemas.subscriptions`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.subscriptions import ALERTMANAGER, CHAT, EMAIL, WEBHOOK
from sinks.notices.channels.alertmanager import Alertmanager
from sinks.notices.channels.channel import Channel
from sinks.notices.channels.chat import Chat
from sinks.notices.channels.http import Http
from sinks.notices.channels.mail import Mail
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.channels.webhook import Webhook
from sinks.notices.desk import Compose
from sinks.notices.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Given:
    """What a channel may be made of."""

    settings: ChannelSettings
    secrets: Secrets
    compose: Compose


CHANNEL_MAKERS: Final[Mapping[str, Callable[[Given], Channel]]] = {
    WEBHOOK: lambda given: Webhook(Http(given.settings), given.secrets),
    EMAIL: lambda given: Mail(given.settings),
    CHAT: lambda given: Chat(given.settings, given.secrets),
    ALERTMANAGER: lambda given: Alertmanager(Http(given.settings), given.secrets, given.compose),
}


def make_channels(settings: ChannelSettings, secrets: Secrets, compose: Compose) -> dict[str, Channel]:
    """Channel name -> channel. Nothing is connected yet. The caller closes each."""
    given = Given(settings, secrets, compose)
    return {name: make(given) for name, make in CHANNEL_MAKERS.items()}
