"""A role's grants against the calls that were seen. In resources `*` and `?` are wildcards, on both clouds."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from tests.fakes.recorder import Seen

__all__ = ["missing", "spare"]


def missing(seen: Collection[Seen], grants: Sequence[Seen]) -> list[Seen]:
    """Calls that no grant is for."""
    return [one for one in sorted(seen) if not any(_covers(grant, one) for grant in grants)]


def spare(seen: Collection[Seen], grants: Sequence[Seen]) -> list[Seen]:
    """Grants that no call was made by."""
    return [grant for grant in grants if not any(_covers(grant, one) for one in seen)]


def _covers(grant: Seen, seen: Seen) -> bool:
    return grant.action == seen.action and fnmatchcase(seen.resource, grant.resource)
