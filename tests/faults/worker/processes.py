"""What the kernel knows of a process and its children."""

from pathlib import Path

PROC = Path("/proc")


def children(pid: int) -> list[int]:
    """Processes that this one has forked and that have not ended."""
    forked = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [child for child in map(int, forked) if is_alive(child)]


def is_alive(pid: int) -> bool:
    """Not ended: neither gone nor a zombie that waits for its parent."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def resident_bytes(pid: int) -> int:
    return _field(pid, "VmRSS")


def virtual_bytes(pid: int) -> int:
    return _field(pid, "VmSize")


def open_files(pid: int) -> int:
    return len(list((PROC / str(pid) / "fd").iterdir()))


def _field(pid: int, name: str) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
