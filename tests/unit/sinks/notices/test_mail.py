"""Mail against a real SMTP server: what recipients get, and what becomes of every refusal."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.notices import Notice, alert_notice_id
from schemas.subscriptions import COMPLIANCE_TEAM, FIRING, Subscription
from sinks.notices.channels.mail import NOBODY, Mail, message_id
from sinks.notices.channels.settings import ChannelSettings, MailSettings, WrongChannelSettings
from sinks.notices.retrying import Answer
from tests.support.alerts import alert, resolved
from tests.support.locks import Authority
from tests.support.mail_server import MailServer, mail_server
from tests.support.notices import AT, digest_of, notice_of, reminder_of
from tests.support.receivers import talking

TEAM: Final = Subscription("team", "email", (COMPLIANCE_TEAM,), effective_from=0)
LIST: Final = replace(TEAM, to=("a@one.example", "b@two.example"))
A, B, C = "a@one.example", "b@two.example", "c@three.example"


def settings(port: int, limit_s: float = 5, ca_file: Path | None = None, **mail: Any) -> ChannelSettings:
    one = MailSettings("127.0.0.1", "peserta@house.example", **{"tls": "none", "port": port, **mail})
    return ChannelSettings(mail=one, attempt_s=limit_s, ca_file=ca_file)


async def sent(
    server: MailServer, *to: str, subscription: Subscription = TEAM, notice: Notice | None = None, **given: Any
) -> Answer:
    channel = Mail(settings(server.port, **given))
    return await channel.send(subscription, notice or notice_of(), to, AT)


def letters(server: MailServer) -> list[EmailMessage]:
    found = [message_from_bytes(content, policy=modern) for _, content in server.taken]
    assert all(isinstance(one, EmailMessage) for one in found)
    return found


# ---------------------------------------------------------------- what is sent


async def test_a_letter_is_plain_text_that_no_machine_answers() -> None:
    text = "Kurang 7 orang — “PT Sepatu” 鞋.\n.\nFrom here\n"
    async with mail_server() as server:
        answer = await sent(server, A, notice=notice_of(text=text))
    assert answer == Answer(True, "taken for 1 of 1")
    [letter] = letters(server)
    assert letter.get_content().replace("\r\n", "\n") == text
    assert letter.get_content_type() == "text/plain" and letter.get_content_charset() == "utf-8"
    assert (letter["From"], letter["To"], letter["Subject"]) == ("peserta@house.example", A, "Kurang tujuh orang")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime.timestamp() == AT // 1_000
    assert letter["List-Id"] == "<team.peserta.house.example>"
    assert server.taken[0][1].isascii()


async def test_a_team_sees_each_other_and_a_list_does_not() -> None:
    async with mail_server() as server:
        await sent(server, A, B)
        await sent(server, A, B, subscription=LIST)
    assert [recipients for recipients, _ in server.taken] == [[A, B], [A, B]]
    team, everybody = letters(server)
    assert team["To"] == f"{A}, {B}"
    assert str(everybody["To"]) == "undisclosed-recipients:;"
    assert not any(address.encode() in server.taken[1][1] for address in (A, B))


async def test_a_repeat_has_the_same_message_id_and_an_episode_is_one_conversation() -> None:
    firing, end = notice_of(), notice_of(resolved(at=AT))
    digest = digest_of(alert(at=AT), alert("C2", at=AT))
    async with mail_server() as server:
        for notice in (firing, firing, end, reminder_of(firing), digest):
            await sent(server, A, notice=notice)
    found = letters(server)
    ids = [letter["Message-ID"] for letter in found]
    assert ids[0] == ids[1] and len(set(ids)) == 4
    assert ids[0] == message_id(alert_notice_id("hook", "C1/P1/1", FIRING), "house.example")
    assert [letter["References"] for letter in found] == [None, None, ids[0], ids[0], None]


async def test_nobody_can_put_a_line_into_the_header() -> None:
    notice = notice_of()
    assert notice.message is not None
    for subject, address in (("a\r\nBcc: x@example.org", A), ("a", "a@one.example\r\nBcc: x@example.org")):
        async with mail_server() as server:
            answer = await sent(
                server, address, notice=replace(notice, message=replace(notice.message, subject=subject))
            )
        assert answer == Answer(False, "an address or the subject cannot be written into a mail")
        assert server.taken == []


async def test_without_recipients_or_a_server_the_answer_says_so() -> None:
    async with mail_server() as server:
        assert await sent(server) == Answer(False, NOBODY)
    assert await Mail(ChannelSettings()).send(TEAM, notice_of(), [A], AT) == Answer(False, "no mail server is set")


# ---------------------------------------------------------------- refusals


async def test_refusals_of_all_for_good_are_final() -> None:
    async with mail_server(replies={A: f"550 no {A}", B: "553 no"}) as server:
        answer = await sent(server, A, B)
    assert answer == Answer(False, "taken for 0 of 2; refused with 550, 553", is_final=True)


async def test_a_refusal_of_one_for_good_is_said_without_the_address() -> None:
    async with mail_server(replies={A: f"550 no {A}"}) as server:
        answer = await sent(server, A, B)
    assert answer == Answer(True, "taken for 1 of 2; refused with 550")
    assert [recipients for recipients, _ in server.taken] == [[B]]


async def test_who_was_put_off_is_asked_again_and_the_others_are_not() -> None:
    async with mail_server(replies={A: "451 later", B: "550 never"}) as server:
        channel = Mail(settings(server.port))
        first = await channel.send(TEAM, notice_of(), [A, B, C], AT)
        second = await channel.send(TEAM, notice_of(), [A, B, C], AT)
        server.replies = {}
        third = await channel.send(TEAM, notice_of(), [A, B, C], AT)
    put_off = Answer(False, "taken for 1 of 3; refused with 451, 550; 1 can be tried again")
    assert (first, second) == (put_off, put_off)
    assert third == Answer(True, "taken for 2 of 3; refused with 550")
    assert [recipients for recipients, _ in server.taken] == [[C], [A]]


@pytest.mark.parametrize(
    ("replies", "answer"),
    [
        ({"data": "451 later"}, Answer(False, "the mail server refused the message with 451")),
        ({"data": "554 spam"}, Answer(False, "the mail server refused the message with 554", is_final=True)),
        ({"sender": "550 who?"}, Answer(False, "the mail server refused the sender with 550")),
        ({A: "450 later"}, Answer(False, "taken for 0 of 1; refused with 450; 1 can be tried again")),
    ],
)
async def test_a_refusal_has_a_name(replies: dict[str, str], answer: Answer) -> None:
    async with mail_server(replies=replies) as server:
        assert await sent(server, A) == answer


async def test_a_server_that_hangs_is_left_after_the_time_limit() -> None:
    async with mail_server(hangs=True) as server:
        answer = await sent(server, A, limit_s=0.3)
    assert answer.words in (
        "no answer of the mail server within 0.3 s",
        "the mail server did not answer in time",
    )
    assert not answer.ok and not answer.is_final


async def test_a_server_that_hangs_up_or_is_not_there_is_said_in_words() -> None:
    async def hang_up(reader: object, writer: object) -> None:
        return

    async with talking(hang_up) as server:
        cut = await Mail(settings(server.port)).send(TEAM, notice_of(), [A], AT)
    gone = await Mail(settings(server.port)).send(TEAM, notice_of(), [A], AT)
    assert cut.words.startswith("no connection to the mail server: ")
    assert gone.words.startswith("no connection to the mail server: ")
    assert not any("127.0.0.1" in answer.words or answer.ok or answer.is_final for answer in (cut, gone))


# ---------------------------------------------------------------- TLS and signing in


@pytest.mark.parametrize(("mode", "at_once"), [("starttls", False), ("tls", True)])
async def test_mail_goes_by_tls_and_only_to_a_certificate_that_fits(tmp_path: Path, mode: str, at_once: bool) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    password = tmp_path / "password"
    password.write_text("word-1\n")
    password.chmod(0o600)
    answers = []
    for signed in (ours.certificate("right"), other.certificate("wrong")):
        async with mail_server(signed.of_server, at_once=at_once, users={"me": "word-1"}) as server:
            given: dict[str, Any] = {"tls": mode, "user": "me", "password_file": password, "ca_file": ours.ca_file}
            answers.append(await sent(server, A, **given))
    untrusted = Answer(False, "the mail server's TLS certificate is not trusted, or TLS failed")
    assert answers == [Answer(True, "taken for 1 of 1"), untrusted]


async def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    async with mail_server() as server:
        answer = await sent(server, A, tls="starttls")
    assert (answer.ok, server.taken) == (False, [])
    assert answer.words == "the mail server cannot do what the settings or the addresses ask for"


async def test_a_wrong_password_is_read_anew_at_the_next_attempt(tmp_path: Path) -> None:
    password = tmp_path / "password"
    async with mail_server(users={"me": "word-2"}) as server:
        channel = Mail(settings(server.port, user="me", password_file=password))
        answers = [await channel.send(TEAM, notice_of(), [A], AT)]
        for word in ("word-1", "word-2"):
            password.write_text(word)
            password.chmod(0o600)
            answers.append(await channel.send(TEAM, notice_of(), [A], AT))
    assert [answer.words for answer in answers] == [
        "the mail server's password or CA: its file cannot be read: No such file or directory",
        "the mail server refused user or password with 535",
        "taken for 1 of 1",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example", "tls": "none"},
        {"tls": "ssl"},
        {"user": "me"},
        {"password_file": Path("x")},
        {"sender": "peserta"},
        {"sender": "a@b\r\nBcc: c@d"},
    ],
)
def test_settings_of_mail_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongChannelSettings):
        MailSettings(**{"host": "mail.example", "sender": "peserta@house.example", **wrong})
