"""`peserta token`: keys, and the tokens that they make of people's numbers."""

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from peserta.cli.exit_codes import ExitCode
from peserta.cli.screen import counted, err, out
from peserta.intake.tokens import REASONS_OF_IDS, InvalidId, TokenKey, make_key
from peserta.operations.discovery import find_installation
from peserta.operations.failure import Rejected
from peserta.settings import Settings
from schemas.admission import is_word
from schemas.fact_json import BYTE_ORDER_MARK

LINE_BYTES_MAX: Final = 4_096  # of one id on standard input

token = typer.Typer(no_args_is_help=True, help="Make the key of people's tokens, and tokens of their numbers.")

TokenKeyFile = Annotated[
    Path | None,
    typer.Option("--token-key", help="The key's file; else that of PESERTA_TOKEN_KEY_FILE.", metavar="FILE"),
]


class Kind(StrEnum):
    """What a number is."""

    NIK = "nik"
    KPJ = "kpj"
    EMPLOYEE = "employee"


@token.command("new-key")
def new_key(file: Annotated[Path, typer.Argument(help="A file that is not there yet.", metavar="FILE")]) -> None:
    """Make a key: 32 random bytes in a new file that only you may read.

    Whoever holds it can make the tokens of people whose numbers they know. Keep a copy in a safe place: with another
    key the same people have other tokens.

    Example: peserta token new-key company.key
    """
    made = make_key(file)
    out.print(f"{file}: a new key, mark {made.mark}")


@token.command("make")
def make_tokens(
    of: Annotated[Kind, typer.Option(help="What the numbers are.")] = Kind.NIK,
    company: Annotated[
        str | None, typer.Option(help="The company of the employee numbers.", metavar="COMPANY_ID")
    ] = None,
    token_key: TokenKeyFile = None,
) -> None:
    """Read numbers from standard input, one a line, and print the token of each.

    Blank lines are passed over. A line that is no number of this kind is named on standard error, never repeated, and
    the exit code is 1.

    Example: peserta token make --of nik --token-key company.key < numbers.txt > tokens.txt
    """
    if (company is not None) is not (of is Kind.EMPLOYEE):
        raise Rejected("--company is for --of employee, which needs it.")
    if company is not None and not is_word(company):
        raise Rejected("--company: must be 1 to 64 characters without white space.")
    key = token_key_of(find_installation(), token_key)
    makers: dict[Kind, Callable[[str], str]] = {
        Kind.NIK: key.nik,
        Kind.KPJ: key.kpj,
        Kind.EMPLOYEE: lambda text: key.employee(company or "", text),
    }
    refused = 0
    for number, line in _lines(sys.stdin.buffer):
        try:
            out.print(makers[of](line))
        except InvalidId as error:
            refused += 1
            err.print(f"line {number}: {error.reason}")
            if refused == 1:
                err.print(f"{error.reason}: the line {REASONS_OF_IDS[error.reason]}.")
    if refused:
        err.print(f"{counted(refused, 'line')} refused.")
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def token_key_of(settings: Settings, path: Path | None) -> TokenKey:
    """The key of a command: the file that it names, else that of the settings; Rejected without either."""
    chosen = path or settings.token_key_file
    if chosen is None:
        raise Rejected(
            "People's numbers need a token key: name its file with --token-key FILE or PESERTA_TOKEN_KEY_FILE. "
            "`peserta token new-key FILE` makes one."
        )
    return TokenKey.read(chosen)


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, numbered from 1. A line that is too long or no UTF-8 stands as one that is no id,
    whatever is in it."""
    number = 0
    while piece := file.readline(LINE_BYTES_MAX):
        number += 1
        raw = piece.removeprefix(BYTE_ORDER_MARK) if number == 1 else piece
        while len(piece) == LINE_BYTES_MAX and not piece.endswith(b"\n"):
            piece, raw = file.readline(LINE_BYTES_MAX), b"\xff"
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = "\ud800"
        if text.strip():
            yield number, text
