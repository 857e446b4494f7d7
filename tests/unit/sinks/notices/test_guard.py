"""The guard judges every form in which an address can be written, and the address that is really connected to."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.notices.channels.http import Http
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.guard import NOT_PUBLIC, UNREADABLE, NotPublic, WrongUrl, guarded_socket, is_public, target
from tests.support.names import Names
from tests.support.notices import AT
from tests.support.receivers import answering, receiving

PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808")
NOT_PUBLIC_ADDRESSES = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.1.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "192.0.0.9", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "233.252.0.5"),
    *("239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:224.0.0.1"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1"),
    *("fc00::1", "fd12::1", "fe80::1", "fe80::1%1", "2606:4700:4700::1111%1", "fec0::1", "ff02::1", "ff0e::1"),
    *("", "localhost", "127.1", "0x7f000001", "2130706433"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_ipv6_is_judged_like_the_one_inside(inside: IPv4Address) -> None:
    number = int(inside)
    forms = (0xFFFF << 32 | number, 0x2002 << 112 | number << 80, 0x64FF9B << 96 | number)
    assert {is_public(str(IPv6Address(form))) for form in forms} == {is_public(str(inside))}


@given(st.ip_addresses(v=4), st.booleans())
def test_a_socket_is_made_only_for_what_the_judge_lets_pass(address: IPv4Address, passes: bool) -> None:
    make = guarded_socket(lambda judged: passes and judged == str(address))
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(address), 443))
    if passes:
        make(info).close()
    else:
        with pytest.raises(NotPublic):
            make(info)


@pytest.mark.parametrize(
    "url",
    [
        *("http://receiver.example/", "ftp://receiver.example/", "receiver.example", "https://", "https:///hook", ""),
        *("https://user@receiver.example/", "https://user:word@receiver.example/", "https://@receiver.example/"),
        *("https://receiver.example:99999/", "https://receiver.example:x/", "https://[::1/", "https://[fe80::1%25lo]/"),
        *("https://receiver.example/a b", "https://receiver.example/\n", "https://receiver.example\\@internal/"),
        *("https://récepteur.example/", "https://a%2eexample/", "https://receiver.example/" + "a" * 2_000),
    ],
)
def test_a_url_that_can_mislead_is_refused(url: str) -> None:
    with pytest.raises(WrongUrl) as refused:
        target(url, frozenset(("internal",)))
    assert "word" not in str(refused.value).replace("password", "")


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://receiver.example/hook", False),
        ("https://INTERNAL/hook", True),
        ("https://internal./hook", True),
        ("http://internal:9093/", True),
        ("https://internal.example/", False),
        ("https://door:8443/", True),
        ("https://door/", False),
        ("https://plain/", True),
        ("https://[::1]:9093/", True),
    ],
)
def test_a_host_is_allowed_by_name_or_by_name_and_port(url: str, is_allowed: bool) -> None:
    assert target(url, frozenset(("internal", "door:8443", "plain:443", "::1"))).is_allowed is is_allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1", "localhost"])
async def test_no_form_of_the_loopback_address_is_connected_to(host: str) -> None:
    async with receiving(answering(200)) as receiver:
        http = Http(ChannelSettings())
        answer = await http.post(f"https://{host}:{receiver.port}/hook", b"", {}, AT)
        await http.close()
    assert (answer.ok, answer.is_final, receiver.requests) == (False, False, [])
    assert answer.words in (NOT_PUBLIC, UNREADABLE, "the receiver's name cannot be resolved")


async def test_a_name_that_turns_private_after_it_was_looked_up_is_refused() -> None:
    async with receiving(answering(200)) as receiver:
        names = Names([["192.0.2.1"], ["127.0.0.1"], ["192.168.1.1", "127.0.0.1"]])
        http = Http(ChannelSettings(), resolver=names, judge=lambda address: address == "192.0.2.1")
        checked = await names.resolve("receiver.example")  # the check of whoever checks first
        answers = [await http.post(f"https://receiver.example:{receiver.port}/", b"", {}, AT) for _ in range(2)]
        await http.close()
    assert [one["host"] for one in checked] == ["192.0.2.1"]
    assert [answer.words for answer in answers] == [NOT_PUBLIC, NOT_PUBLIC]
    assert receiver.requests == []


async def test_an_allowed_host_is_reached_whatever_its_address() -> None:
    async with receiving(answering(200)) as receiver:
        allowed = frozenset((f"internal.example:{receiver.port}",))
        http = Http(ChannelSettings(allowed_hosts=allowed), resolver=Names([["127.0.0.1"]]))
        answer = await http.post(f"http://internal.example:{receiver.port}/", b"", {}, AT)
        await http.close()
    assert (answer.ok, len(receiver.requests)) == (True, 1)
