"""The settings of notices: the mail server, the secrets, and the hosts inside one's own network."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from sinks.notices.channels.settings import ChannelSettings, MailSettings, MailTls

PREFIX: Final = "PESERTA_"
PORT_MAX: Final = 65_535
HOST: Final = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?")
PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
OF_MAIL: Final = ("mail_sender", "mail_tls", "mail_port", "mail_user", "mail_password_file")
UNSET_IF_EMPTY: Final = ("notice_secrets_dir", "notice_ca_file", *OF_MAIL)


class NoticeSettings(BaseSettings):
    """What the notifier and `peserta subscriptions test` need beside the settings of every process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    notice_secrets_dir: Path | None = Field(
        None, description="folder with the secrets that subscriptions name, a file each, that not everybody may read"
    )
    notice_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host[:port],... of receivers that need not have a public address, and may be reached by http"
    )
    notice_ca_file: Path | None = Field(
        None, description="PEM, the CA of receivers' certificates and of mail's; empty: those of the operating system"
    )
    mail_tls: MailTls = Field("starttls", description="starttls, tls, or none (to a server on this machine only)")
    mail_port: int = Field(0, ge=0, le=PORT_MAX, description="of the mail server; 0: 587, 465 with tls, 25 with none")
    mail_sender: str = Field("", description="the address that mails come from")
    mail_user: str | None = Field(None, description="who signs in at the mail server; empty: nobody")
    mail_password_file: Path | None = Field(
        None, description="the password of that user; a file that not everybody may read"
    )
    # Behind the settings that belong to it: fields are checked in this order.
    mail_host: str = Field("", validate_default=True, description="the mail server; empty: no mail is sent")

    @field_validator(*UNSET_IF_EMPTY, mode="before")
    @classmethod
    def _empty_is_unset_here(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[info.field_name or ""].default if value == "" else value

    @field_validator("notice_allowed_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        said = value.lower().split(",") if isinstance(value, str) else value
        hosts = tuple(one for each in said if (one := each.strip()))
        if not all(map(HOST.fullmatch, hosts)):
            raise ValueError("write host or host:port, or several with commas")
        return hosts

    @field_validator("mail_host")
    @classmethod
    def _fits_the_rest(cls, host: str, info: ValidationInfo) -> str:
        if host and not PLAIN_HOST.fullmatch(host):
            raise ValueError(f"write a host; its port belongs in {PREFIX}MAIL_PORT")
        if info.data.keys() >= set(OF_MAIL):
            _mail(host, info.data)
        return host

    def channel_settings(self) -> ChannelSettings:
        """What the channels need."""
        mail = _mail(self.mail_host, {name: getattr(self, name) for name in OF_MAIL})
        return ChannelSettings(frozenset(self.notice_allowed_hosts), mail, self.notice_ca_file)


def _mail(host: str, said: Mapping[str, Any]) -> MailSettings | None:
    """The settings of mail, None without a host. Raises WrongChannelSettings, a ValueError, if they do not fit."""
    if not host:
        return None
    return MailSettings(host, **{name.removeprefix("mail_"): said[name] for name in OF_MAIL})
