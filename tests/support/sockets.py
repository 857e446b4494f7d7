"""The addresses on which a process listens, as the kernel reports them."""

from pathlib import Path

LISTENS = "0A"
ANYWHERE = frozenset(("00000000", "0" * 32))  # of IPv4 and IPv6


def listening(pid: int) -> set[str]:
    """Addresses (hex, as in /proc/net/tcp, without ports) of the sockets on which a process listens."""
    own = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return {row[1].partition(":")[0] for row in rows if row[3] == LISTENS and f"socket:[{row[9]}]" in own}
