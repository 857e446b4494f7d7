"""The parts of an alert's id."""


def policy_of(alert_id: str | None) -> str | None:
    """The policy of `<company>/<policy>/<episode>`, None without an alert or for an id of another form.

    A company's id may have a slash in it, a policy's may not.
    """
    parts = (alert_id or "").rsplit("/", 2)
    return parts[1] if len(parts) == 3 else None
