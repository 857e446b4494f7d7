"""ClickHouse's engine with users, for tests: `python -m tests.support.clickhouse_with_users --path --port`.

The embedded engine takes no statement that makes a user or a role (code 514: no writeable storage), but it reads users,
roles and grants from a file. So `users_file` writes what the statements of `sinks/clickhouse/access` say in that form,
and the engine enforces it. There is one user that connects, `default`. What another user may do is asked of a view that
reads with that user's rights.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import chdb

from deploy.embedded.clickhouse import engine
from deploy.embedded.clickhouse.serving import plain, serve
from deploy.embedded.clickhouse.sessions import Handle

PROGRAM: Final = "tests.support.clickhouse_with_users"
USERS: Final = "users.xml"
CONFIG: Final = "config.xml"
_GRANT: Final = re.compile(r"GRANT (?P<right>.+) TO (?P<role>\w+)")
_POLICY: Final = re.compile(r"CREATE ROW POLICY OR REPLACE \w+ ON (?P<views>.+) USING (?P<filter>.+) TO (?P<role>\w+)")
_PROFILE: Final = re.compile(r"CREATE SETTINGS PROFILE OR REPLACE (\w+) SETTINGS (?P<settings>.+) TO (?P<role>\w+)")
_SETTING: Final = re.compile(r"(?P<name>\w+) = (?P<value>\d+)(?: MIN (?P<min>\d+))?(?: MAX (?P<max>\d+))?( CONST)?")


def users_file(statements: Iterable[str], users: Mapping[str, str], more: Mapping[str, Iterable[str]]) -> str:
    """The file of users: each of `users` has one role of the statements, and the further rights in `more`."""
    texts = list(statements)
    rights: dict[str, list[str]] = {}
    for found in filter(None, map(_GRANT.fullmatch, texts)):
        rights.setdefault(found["role"], []).append(found["right"])
    profiles = {found["role"]: found["settings"] for found in filter(None, map(_PROFILE.fullmatch, texts))}
    policies = {found["role"]: found for found in filter(None, map(_POLICY.fullmatch, texts))}
    roles = "".join(f"<{role}><grants>{_queries(granted)}</grants></{role}>" for role, granted in rights.items())
    people = "".join(
        f"<{user}><password></password><networks><ip>::/0</ip></networks><quota>default</quota>"
        f"<profile>{role if role in profiles else 'default'}</profile>"
        f"<grants>{_queries([role, *more.get(user, ())])}</grants>{_databases(policies.get(role))}</{user}>"
        for user, role in users.items()
    )
    limits = "".join(f"<{role}>{_profile(settings)}</{role}>" for role, settings in profiles.items())
    return (
        f"<clickhouse><profiles><default/>{limits}</profiles><quotas><default/></quotas>"
        f"<roles>{roles}</roles><users>{people}</users></clickhouse>"
    )


def _queries(rights: Iterable[str]) -> str:
    return "".join(f"<query>GRANT {escape(right)}</query>" for right in rights)


def _databases(policy: re.Match[str] | None) -> str:
    if policy is None:
        return ""
    tables = [each.split(".") for each in policy["views"].split(", ")]
    (database,) = {database for database, _ in tables}
    rules = "".join(f"<{name}><filter>{escape(policy['filter'])}</filter></{name}>" for _, name in tables)
    return f"<databases><{database}>{rules}</{database}></databases>"


def _profile(settings: str) -> str:
    """Values and constraints. A profile that only inherits is written as one without settings."""
    found = [_SETTING.fullmatch(each) for each in settings.split(", ")]
    values = "".join(f"<{each['name']}>{each['value']}</{each['name']}>" for each in found if each)
    return f"{values}<constraints>{''.join(_constraint(each) for each in found if each)}</constraints>"


def _constraint(setting: re.Match[str]) -> str:
    bounds = "".join(f"<{bound}>{setting[bound]}</{bound}>" for bound in ("min", "max") if setting[bound])
    return f"<{setting['name']}>{bounds or '<const/>'}</{setting['name']}>"


def _connect(path: str) -> Handle:
    folder = Path(path).parent
    config = folder / CONFIG
    config.write_text(f"<clickhouse><users_config>{folder / USERS}</users_config></clickhouse>")
    handle: Handle = chdb.connect(f"{path}?config-file={config}")  # type: ignore[no-untyped-call]
    return handle


if __name__ == "__main__":
    engine._connect = _connect
    sys.exit(serve(plain))
