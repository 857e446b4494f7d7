"""Files of subscriptions are read whole or not at all, and say where, what and what to do."""

from pathlib import Path
from typing import Final

import pytest

from peserta.intake.reference_files import WrongFile
from peserta.intake.subscription_files import read_subscriptions
from schemas.dates import day
from schemas.records import Scope
from schemas.subscriptions import QuietHours, Subscription

EMAIL: Final = "- subscription_id: hr\n  channel: email\n  to: [hr@pt.example]\n  effective_from: 2025-09-01\n"
HOOK: Final = EMAIL.replace("email", "webhook").replace("[hr@pt.example]", "https://hooks.pt.example/in?a=1")
CHAT: Final = "- subscription_id: c\n  channel: chat\n  secret: chat-url\n  effective_from: 2025-09-01\n"
MANAGER: Final = HOOK.replace("webhook", "alertmanager")
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOURS: Final = '  quiet_hours: {from: "20:00", to: "06:00", days: [sun, sat]}\n'


def read(folder: Path, text: str, allowed_hosts: tuple[str, ...] = ()) -> tuple[Subscription, ...]:
    path = folder / "subscriptions.yaml"
    path.write_text(text, encoding="utf-8")
    return read_subscriptions([path], allowed_hosts=allowed_hosts)


def test_every_field_is_read(tmp_path: Path) -> None:
    text = EMAIL + (
        '  scope: {regencies: [Jepara], kbli_prefixes: ["15"]}\n  policy_ids: [floor]\n  statuses: [resolved, firing]\n'
        f'  min_gap_people: 3\n  digest: "08:30"\n{HOURS}'
        "  remind_after_days: 7\n  language: en\n  secret: [smtp, smtp-next]\n"
    )
    assert read(tmp_path, text) == (
        Subscription(
            "hr",
            "email",
            ("hr@pt.example",),
            day("2025-09-01"),
            Scope(regencies=("Jepara",), kbli_prefixes=("15",)),
            ("floor",),
            ("firing", "resolved"),
            3,
            8 * 60 + 30,
            (QuietHours(20 * 60, 6 * 60, (5, 6)),),
            7,
            "en",
            ("smtp", "smtp-next"),
        ),
    )


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    plain = Subscription("hr", "email", ("hr@pt.example",), day("2025-09-01"))
    assert read(tmp_path, EMAIL + "  digest: none\n") == (plain,)
    assert read(tmp_path, CHAT)[0].to == ()
    assert read(tmp_path, EMAIL.replace("[hr@pt.example]", "compliance_team"))[0].to == ("compliance_team",)


TO: Final = "[hr@pt.example]"
MANY: Final = str([f"a{n}@b.id" for n in range(51)])
TEAM_HOOK: Final = HOOK.replace("https://hooks.pt.example/in?a=1", "compliance_team")
WRONG: Final = [
    ("a missing id", EMAIL.replace("subscription_id", "id"), "id: is no field"),
    ("an id with a slash", EMAIL.replace("hr\n", "h/r\n", 1), "subscription_id: may have letters, digits"),
    ("an unknown channel", EMAIL.replace("email", "fax"), "channel: must be one of webhook, email, chat, alertmanager"),
    ("an unknown field", EMAIL + "  colour: red\n", "colour: is no field"),
    ("a repeated id", EMAIL + EMAIL, "entry 2 ('hr'): subscription_id: is that of entry 1 as well"),
    ("no start", EMAIL.replace("  effective_from: 2025-09-01\n", ""), "effective_from: is missing"),
    ("no receiver", EMAIL.replace(f"  to: {TO}\n", ""), "to: is missing"),
    ("one address as text", EMAIL.replace(TO, "hr@pt.example"), "to: must be a list of e-mail"),
    ("half an address", EMAIL.replace("hr@pt.example", "hr@pt"), "to: must be an e-mail address"),
    ("an address with two points", EMAIL.replace("hr@", "h..r@"), "line 3: entry 1 ('hr'): to: must be an e-mail"),
    ("an address twice", EMAIL.replace("[hr@", "[hr@pt.example, hr@"), "to: stands twice"),
    ("51 addresses", EMAIL.replace(TO, MANY), "to: must have at most 50"),
    ("no TLS", HOOK.replace("https", "http"), "to: must begin with https://: without TLS"),
    ("no URL", HOOK.replace("https://", ""), "to: must be one URL that begins with https://"),
    ("a file as URL", HOOK.replace("https", "file"), "to: must be one URL"),
    ("a port that is none", HOOK.replace("example/", "example:99999/"), "to: must be one URL"),
    ("a password in the URL", HOOK.replace("https://", "https://u:p@"), "to: must have no user and no password in it"),
    ("a team for a webhook", TEAM_HOOK, "to: must be one URL"),
    ("a chat without a secret", CHAT.replace("  secret: chat-url\n", ""), "secret: is missing"),
    ("a chat with its URL", CHAT + "  to: https://chat.example/x\n", "to: must be left out: the address of a chat"),
    ("a secret itself", HOOK + f"  secret: {SECRET}\n", "secret: must be the name of a file or variable"),
    ("a secret without its beginning", HOOK + f"  secret: {SECRET[6:]}\n", "secret: must be the name"),
    ("a URL as secret", CHAT.replace("chat-url", "slack://a/b/c"), "secret: must be the name"),
    ("five secrets", HOOK + "  secret: [a, b, c, d, e]\n", "secret: must have at most 4"),
    (
        "a time without quotes",
        EMAIL + "  digest: 08:00\n",
        '"HH:MM", or none, not 08:00: write it in quotes',
    ),
    ("a time that is none", EMAIL + '  digest: "24:00"\n', "digest: must be a time of day"),
    ("quiet hours without quotes", EMAIL + HOURS.replace('"20:00"', "20:00"), 'from: must be a time of day, "HH:MM"'),
    ("no end", EMAIL + '  quiet_hours: {from: "20:00"}\n', "quiet_hours.to: is missing"),
    ("no hours", EMAIL + HOURS.replace("06:00", "20:00"), "quiet_hours.to: is the same as from"),
    ("a day that is none", EMAIL + HOURS.replace("sat", "saturday"), "quiet_hours.days: must be one of mon, tue"),
    ("an unquoted no as language", EMAIL + "  language: no\n", "language: must be one of id, en"),
    ("no days before a reminder", EMAIL + "  remind_after_days: 0\n", "remind_after_days: must lie in 1 to 365"),
    ("a status that is none", EMAIL + "  statuses: [pending]\n", "statuses: must be one of firing, resolved"),
    ("a number as KBLI", EMAIL + "  scope: {kbli_prefixes: [15]}\n", "scope.kbli_prefixes: must be text"),
    ("a digest for alertmanager", MANAGER + '  digest: "08:00"\n', "digest: is not for alertmanager"),
    ("201 subscriptions", "".join(EMAIL.replace("hr\n", f"s{n}\n", 1) for n in range(201)), "at most 200 mappings"),
]


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_file_says_where_and_what_and_shows_no_secret(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WrongFile) as wrong:
        read(tmp_path, text)
    words = str(wrong.value)
    assert said in words
    assert words.startswith(str(tmp_path))
    assert words.endswith("Nothing of the file was taken.")
    assert [each for each in (SECRET[6:], "hooks.pt.example", "slack://") if each in words] == []


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]", "hooks.internal", "hr.internal:8080"])
def test_a_webhook_on_this_machine_or_an_allowed_host_needs_no_tls(tmp_path: Path, host: str) -> None:
    text = HOOK.replace("https://hooks.pt.example", f"http://{host}")
    (found,) = read(tmp_path, text, ("hooks.internal", "hr.internal:8080"))
    assert found.to == (f"http://{host}/in?a=1",)


def test_an_id_in_two_files_applies_neither(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(EMAIL, encoding="utf-8")
    with pytest.raises(WrongFile, match=r"b.yaml: subscription_id: 'hr' is in .*a.yaml too. Nothing was taken"):
        read_subscriptions([tmp_path / "a.yaml", tmp_path / "b.yaml"])
