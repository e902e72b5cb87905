"""Whether a folder lies on a disk of another machine, where SQLite's locks cannot be trusted."""

from pathlib import Path

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "9p"}
)
MOUNTS = Path("/proc/self/mounts")


def network_file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """Its kind, or "" for a local one; "" too where the system does not tell (macOS)."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    kinds = {Path(fields[1].replace("\\040", " ")): fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    place = folder.resolve()
    nearest = next((kinds[parent] for parent in (place, *place.parents) if parent in kinds), "")
    return nearest if nearest in NETWORK_FILE_SYSTEMS else ""
