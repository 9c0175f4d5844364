"""Whether a path lies on a network file system, where SQLite's locks and shared memory do not hold.

Reads the Linux mount table (proc(5): device, mount point with octal escapes, type, …); elsewhere nothing is refused.
"""

import re
from pathlib import Path

from logferry.errors import ConfigError

__all__ = ["MOUNTS", "check_local", "network_type"]

MOUNTS = Path("/proc/mounts")
_NETWORK = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "9p", "afs", "auristorfs", "ceph", "glusterfs", "lustre"),
        *("gpfs", "beegfs", "orangefs", "pvfs2", "ncpfs", "davfs", "coda", "ocfs2", "gfs2", "vboxsf", "drvfs"),
        "virtiofs",
    )
)
# Types of FUSE that are on this machine; all others (sshfs, s3fs, ossfs, rclone, gcsfuse, …) are far away.
_LOCAL_FUSE = frozenset(("fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.bindfs", "fuse.lxcfs", "fuse.gocryptfs"))


def network_type(path: Path, mounts: str) -> str | None:
    """The type of the network file system `path` lies on, None if it is local. `mounts` is the mount table's text."""
    real = path.resolve()
    found, length = "", -1
    for line in mounts.splitlines():
        columns = line.split(" ")
        if len(columns) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), columns[1]))
        if len(point.parts) >= length and (real == point or point in real.parents):
            found, length = columns[2], len(point.parts)  # the later of two on one point lies on top
    # A sandboxed container (gVisor) shows its root as 9p; one kernel serves it, so locks hold.
    if found == "9p" and length == 1:
        return None
    is_far = found in _NETWORK or (found.startswith("fuse.") and found not in _LOCAL_FUSE)
    return found if is_far else None


def check_local(path: Path, mounts: str) -> None:
    """ConfigError if `path` lies on a network file system, by the mount table's text."""
    kind = network_type(path, mounts)
    if kind:
        problem = f"sqlite:{path}: lies on a network file system ({kind}), where SQLite loses writes"
        way_out = "put it on a local disk, or for several hosts use dynamodb:TABLE or tablestore:INSTANCE/TABLE"
        raise ConfigError([f"{problem}; {way_out}"], subject="state")
