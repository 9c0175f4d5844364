"""Network file systems are told from local ones by the mount table."""

from pathlib import Path

import pytest

from logferry.errors import ConfigError
from logferry.state._mounts import check_local, network_type

MOUNTS = r"""
proc /proc proc rw 0 0
/dev/vda1 / ext4 rw 0 0
nas:/export /mnt/nas nfs4 rw 0 0
/dev/vdb /mnt/nas/local xfs rw 0 0
//server/share /mnt/a\040share cifs rw 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
bucket /mnt/oss fuse.ossfs rw 0 0
C:\134 /mnt/c 9p rw 0 0
overlay /mnt/bound fuse.fuse-overlayfs rw 0 0
nas:/x /mnt/over nfs rw 0 0
tmpfs /mnt/over tmpfs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/state.db", None),
        ("/mnt/nas/state.db", "nfs4"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas2/state.db", None),
        ("/mnt/nas/local/state.db", None),
        ("/mnt/nas/local/../state.db", "nfs4"),
        ("/mnt/a share/state.db", "cifs"),
        ("/mnt/ssh/deep/not/there/state.db", "fuse.sshfs"),
        ("/mnt/oss/state.db", "fuse.ossfs"),
        ("/mnt/c/state.db", "9p"),
        ("/mnt/bound/state.db", None),
        ("/mnt/over/state.db", None),
    ],
)
def test_longest_mount_point_decides(path: str, kind: str | None) -> None:
    """The deepest mount that holds the path says its type; the later of two at one point counts."""
    assert network_type(Path(path), MOUNTS) == kind


def test_root_of_a_sandbox_counts_as_local() -> None:
    """A container whose root is 9p (one kernel serves it) may keep its state there."""
    assert network_type(Path("/var/state.db"), "none / 9p rw 0 0\n") is None
    assert network_type(Path("/var/state.db"), "nas:/root / nfs rw 0 0\n") == "nfs"


def test_link_is_followed(tmp_path: Path) -> None:
    """A link into a network file system does not hide it."""
    (tmp_path / "link").symlink_to("/mnt/nas")
    assert network_type(tmp_path / "link/state.db", MOUNTS) == "nfs4"


def test_refusal_names_the_way_out() -> None:
    """The error says what lies where, why that is wrong and what to use."""
    with pytest.raises(ConfigError, match=r"network file system \(nfs4\).*local disk.*dynamodb:TABLE"):
        check_local(Path("/mnt/nas/state.db"), MOUNTS)
    check_local(Path("/var/state.db"), MOUNTS)
