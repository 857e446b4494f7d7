"""Likely mistakes in valid policies: each is reported, and the policies are applied nevertheless."""

from collections.abc import Iterable, Iterator, Mapping

from schemas.records import Policy


def unraised_versions(policies: Iterable[Policy], standing: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each policy whose content differs from the current one although its version was not raised."""
    for policy in policies:
        before = standing.get(policy.policy_id)
        if not isinstance(before, Policy) or before == policy or policy.version > before.version:
            continue
        below = "the same" if policy.version == before.version else f"below the standing {before.version}"
        yield (
            f"{policy.policy_id}: its content is other than that of the standing policy, and its version "
            f"({policy.version}) is {below}: raise it, so that alerts tell the two apart"
        )
