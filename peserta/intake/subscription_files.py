"""Files of subscriptions: YAML read as that of policies is, whole or not at all (SEMANTICS 13)."""

import re
from collections.abc import Collection, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from peserta.intake.email_addresses import checked_address
from peserta.intake.reference_files import WrongFile, read_entries_of
from schemas.subscriptions import (
    ALERTMANAGER,
    CHANNELS,
    CHAT,
    COMPLIANCE_TEAM,
    DAYS_OF_WEEK,
    EMAIL,
    EVERYBODY,
    INDONESIAN,
    LANGUAGES,
    RECIPIENTS_MAX,
    REMIND_AFTER_DAYS_MAX,
    SECRETS_MAX,
    STATUSES,
    SUBSCRIPTIONS_MAX,
    WEBHOOK,
    QuietHours,
    Subscription,
)
from streams.core.declaring import Field, date, list_of, or_null, read_entries, read_mapping, scope, text, whole, word
from streams.core.reference_rules import (
    HEADCOUNT_MAX,
    Broken,
    Check,
    Unquoted,
    in_range,
    policy_id,
    shown,
)
from streams.core.reference_rules import date as date_rule
from streams.core.reference_rules import scope as scope_rule

URL_LENGTH_MAX: Final = 2_000
QUIET_HOURS_MAX: Final = 14
POLICY_IDS_MAX: Final = 1_000
NO_DIGEST: Final = "none"

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Beginnings of secrets of Standard Webhooks, of our keys and of chat services; and a run of letters and digits that
# nobody chooses as a name.
_LIKE_A_VALUE: Final = re.compile(
    r"(whsec_|whsk_|peserta_|xox[a-z]-|gh[a-z]_|sk-).*|.*(?=[A-Za-z]*[0-9])[A-Za-z0-9]{24}.*"
)


def read_subscriptions(paths: Sequence[Path], *, allowed_hosts: Collection[str] = ()) -> tuple[Subscription, ...]:
    """The subscriptions in these files, in order. WrongFile names file, line, entry and field.

    `allowed_hosts` are those to which a webhook may go without TLS, beside those of this machine.
    """
    found: dict[str, Path] = {}
    subscriptions: list[Subscription] = []
    for path in paths:
        for one in read_entries_of(path, partial(_subscriptions, allowed_hosts=allowed_hosts), "subscription_id"):
            name = one.subscription_id
            if name in found:
                raise WrongFile(f"{path}: subscription_id: {shown(name)} is in {found[name]} too. Nothing was taken.")
            found[name] = path
            subscriptions.append(one)
    return tuple(subscriptions)


def _subscriptions(entries: Any, allowed_hosts: Collection[str]) -> tuple[Subscription, ...]:
    read = partial(_subscription, allowed_hosts=allowed_hosts)
    return read_entries(entries, read, "subscription_id", SUBSCRIPTIONS_MAX)


def _subscription(value: Any, allowed_hosts: Collection[str]) -> Subscription:
    fields = read_mapping(value, SUBSCRIPTION_FIELDS, _RULES)
    channel, to, secrets = fields["channel"], fields.pop("to"), fields.pop("secret")
    try:
        receivers = _receivers(channel, to, allowed_hosts)
    except Broken as broken:
        raise broken.within("to") from None
    if channel == CHAT and not secrets:
        raise Broken("is missing: name the file or variable that holds the address of the chat", "", ("secret",))
    if channel == ALERTMANAGER:
        for name in ("digest", "remind_after_days"):
            if fields[name] is not None:
                raise Broken(f"is not for {ALERTMANAGER}, which gets each alert and repeats it by itself", "", (name,))
    return Subscription(**fields, to=receivers, secrets=secrets)


# ---------------------------------------------------------------- receivers


def _receivers(channel: str, to: Any, allowed_hosts: Collection[str]) -> tuple[str, ...]:
    """What `to` says for this channel."""
    if channel == CHAT:
        if to is not None:
            raise Broken("must be left out: the address of a chat is a secret. Name it in secret")
        return ()
    if to is None:
        raise Broken("is missing")
    if channel == EMAIL:
        return _addresses(to)
    return (_url(to, allowed_hosts, with_tls=channel == WEBHOOK),)


def _addresses(to: Any) -> tuple[str, ...]:
    if to == COMPLIANCE_TEAM:
        return (COMPLIANCE_TEAM,)
    if not isinstance(to, list):
        raise Broken(f"must be a list of e-mail addresses, or {COMPLIANCE_TEAM}", f", not {shown(to)}")
    _at_most(RECIPIENTS_MAX, to)
    addresses = list_of(to, read=lambda one: checked_address(text(one)))
    _once(addresses)
    return addresses


def _url(to: Any, allowed_hosts: Collection[str], *, with_tls: bool) -> str:
    """A URL of http or https. The message never shows it: its path may be a secret."""
    url = text(to)
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Broken("must be one URL that begins with https://")
    if parts.username is not None or parts.password is not None:
        raise Broken("must have no user and no password in it: name them in secret")
    if parts.fragment:
        raise Broken("must have no # in it")
    host = parts.hostname
    is_allowed = _is_this_machine(host) or not {host, parts.netloc.lower()}.isdisjoint(allowed_hosts)
    if with_tls and parts.scheme == "http" and not is_allowed:
        raise Broken(
            "must begin with https://: without TLS everybody on the way reads it. Is the way your own? Then set "
            "PESERTA_NOTICE_ALLOWED_HOSTS, here and where the notifier runs"
        )
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None for a text that is none."""
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ---------------------------------------------------------------- values


def _to(value: Any) -> Any:
    """As it was written: the channel says how it is read."""
    return value


def _time(value: Any) -> int:
    """A time of day as minutes."""
    written = value.text if isinstance(value, Unquoted) else value
    found = _TIME.fullmatch(written) if isinstance(written, str) else None
    if found is None or isinstance(value, Unquoted):
        hint = f': write it in quotes ("{shown(value)}")' if found else ""
        raise Broken('must be a time of day, "HH:MM"', f", not {shown(value)}{hint}")
    return 60 * int(found[1]) + int(found[2])


def _digest(value: Any) -> int | None:
    try:
        return None if value in (NO_DIGEST, None) else _time(value)
    except Broken as broken:
        raise Broken(f"{broken.rule}, or {NO_DIGEST}", broken.more) from None


def _quiet_hours(value: Any) -> tuple[QuietHours, ...]:
    """One mapping, or a list of them."""
    if value is None or value == []:
        return ()
    if not isinstance(value, list):
        return (_hours(value),)
    _at_most(QUIET_HOURS_MAX, value)
    return list_of(value, read=_hours)


def _hours(value: Any) -> QuietHours:
    fields = read_mapping(value, _HOURS)
    if fields["from"] == fields["to"]:
        raise Broken("is the same as from: quiet hours need an end", "", ("to",))
    return QuietHours(fields["from"], fields["to"], fields["days"])


def _days(value: Any) -> tuple[int, ...]:
    names = list_of(value, read=partial(word, words=DAYS_OF_WEEK))
    return tuple(sorted({DAYS_OF_WEEK.index(name) for name in names}))


def _policy_ids(value: Any) -> tuple[str, ...]:
    _at_most(POLICY_IDS_MAX, value)
    return list_of(value, read=_policy_id)


def _policy_id(value: Any) -> str:
    name = text(value)
    policy_id(name)
    return name


def _statuses(value: Any) -> tuple[str, ...]:
    found = list_of(value, read=partial(word, words=STATUSES))
    return tuple(name for name in STATUSES if name in found)


def _remind(value: Any) -> int:
    days = whole(value, highest=REMIND_AFTER_DAYS_MAX)
    if not 1 <= days <= REMIND_AFTER_DAYS_MAX:
        raise Broken(f"must lie in 1 to {REMIND_AFTER_DAYS_MAX}", f", not {shown(days)}")
    return days


def _secrets(value: Any) -> tuple[str, ...]:
    """One name, or a list of them while a secret is being changed."""
    _at_most(SECRETS_MAX, value)
    names = list_of(value, read=_secret) if isinstance(value, list) else (_secret(value),)
    _once(names)
    return names


def _secret(value: Any) -> str:
    """The name of a file or variable. The message never shows what may be the secret itself."""
    if not isinstance(value, str):
        raise Broken("must be the name of a file or variable, as text")
    if _LIKE_A_VALUE.fullmatch(value) or not _SECRET_NAME.fullmatch(value):
        raise Broken(
            "must be the name of a file or variable, 1 to 64 of A-Z a-z 0-9 . _ -, and never the secret itself. "
            "If this is one, change it: it stood in a file"
        )
    return value


def _at_most(most: int, values: Any) -> None:
    if isinstance(values, list) and len(values) > most:
        raise Broken(f"must have at most {most}", f", not {len(values)}")


def _once(values: Sequence[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise Broken("stands twice", "", (number,))


_HOURS: Final = {"from": Field(_time), "to": Field(_time), "days": Field(_days, tuple(range(7)))}
SUBSCRIPTION_FIELDS: Final = {
    "subscription_id": Field(text),
    "channel": Field(partial(word, words=CHANNELS)),
    "to": Field(_to, None),
    "effective_from": Field(date),
    "scope": Field(scope, EVERYBODY),
    "policy_ids": Field(or_null(_policy_ids), None),
    "statuses": Field(or_null(_statuses), None),
    "min_gap_people": Field(partial(whole, highest=HEADCOUNT_MAX), 0),
    "digest": Field(_digest, None),
    "quiet_hours": Field(_quiet_hours, ()),
    "remind_after_days": Field(or_null(_remind), None),
    "language": Field(partial(word, words=LANGUAGES), INDONESIAN),
    "secret": Field(_secrets, ()),
}


def _kept(_: Any) -> None:
    """The reader of the value has checked it."""


_RULES: Final[dict[str, Check]] = dict.fromkeys(SUBSCRIPTION_FIELDS, _kept) | {
    "subscription_id": policy_id,
    "effective_from": date_rule,
    "scope": scope_rule,
    "min_gap_people": partial(in_range, highest=HEADCOUNT_MAX),
}
