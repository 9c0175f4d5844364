"""Where the records of an object are: however it is cut into pieces, and from wherever it is gone on with."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logferry.errors import Expired
from logferry.sources.objects.cutting import Cut, lines, opened, values

LONGEST = 40
Framing = Callable[[Iterator[bytes], int], Iterator[Cut]]
TEXTS = st.lists(st.sampled_from([*'ab"\\{}[],: \n\r\t1.e+-', "é", "null", '{"a":1}', '{"b":"\\u00e9 ]}"}', "[2,3]"]))
CUTS = st.lists(st.integers(0, 200), max_size=6)
FRAMINGS: dict[str, Framing] = {
    "lines": lambda pieces, at: lines(pieces, at, LONGEST),
    "values": lambda pieces, at: values(pieces, at, LONGEST, inside=False),
    "an array": lambda pieces, at: values(pieces, at, LONGEST, inside=True),
}


def split(body: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """The body in pieces, none of them empty."""
    edges = sorted({0, len(body), *(place for place in places if place < len(body))})
    return iter([body[begin:end] for begin, end in pairwise(edges)])


def found(framing: Framing, pieces: Iterator[bytes], at: int = 0) -> tuple[list[Cut], bool]:
    """What there is, and whether it ended as Expired."""
    cuts: list[Cut] = []
    try:
        cuts.extend(framing(pieces, at))
    except Expired:
        return cuts, True
    return cuts, False


@pytest.mark.parametrize("name", FRAMINGS)
@given(TEXTS, CUTS)
def test_pieces_change_nothing(name: str, texts: list[str], places: list[int]) -> None:
    """Any split of an object gives the same records, with the same problems, as the whole does."""
    body = "".join(texts).encode()
    whole, expired = found(FRAMINGS[name], split(body, []))
    again, expired_too = found(FRAMINGS[name], split(body, places))
    assert expired == expired_too
    # Of the last one, whose rest nobody knows, only the place where nothing follows depends on what was read.
    assert [cut[:1] + cut[2:] for cut in again] == [cut[:1] + cut[2:] for cut in whole]


@pytest.mark.parametrize("name", FRAMINGS)
@given(TEXTS, CUTS, st.data())
def test_any_split_into_parts_is_the_same_records(
    name: str, texts: list[str], places: list[int], data: st.DataObject
) -> None:
    """To go on behind any record gives what had followed: part by part an object is the same as at once."""
    body = "".join(texts).encode()
    whole, expired = found(FRAMINGS[name], split(body, []))
    if not whole:
        return
    done = data.draw(st.integers(0, len(whole) - 1))
    if expired and done == len(whole) - 1:
        return
    at = whole[done].end
    rest, expired_too = found(FRAMINGS[name], split(body[at:], places), at)
    assert [cut[:1] + cut[2:] for cut in rest] == [cut[:1] + cut[2:] for cut in whole[done + 1 :]]
    assert expired == expired_too


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=12)), CUTS)
def test_lines_are_those_of_the_text(texts: list[str], places: list[int]) -> None:
    """But for the blank ones."""
    bodies = [text.encode() for text in texts]
    cuts, _ = found(lambda pieces, at: lines(pieces, at, 1_000), split(b"\r\n".join(bodies), places))
    assert [cut.raw for cut in cuts] == [body for body in bodies if body.strip()]


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=3)), CUTS
)
def test_an_array_gives_its_objects(objects: list[dict[str, object]], places: list[int]) -> None:
    """Whatever stands in them, also by CloudTrail's envelope, with something before and behind it."""
    for body, envelope in (
        (json.dumps(objects, ensure_ascii=False), ""),
        (json.dumps({"v": [1], "Records": objects, "more": {"Records": [2]}}), "Records"),
        (" ".join(json.dumps(one, indent=1) for one in objects), ""),
        (",\n".join(map(json.dumps, objects)), ""),
    ):
        data = body.encode()
        pieces = split(data, places)
        start, rest, inside = opened(pieces, envelope, 10_000)
        cuts = list(values(split_on(rest, pieces), start, 10_000, inside=inside))
        assert [json.loads(cut.raw) for cut in cuts] == objects
        assert [data[cut.begin : cut.end] for cut in cuts] == [cut.raw for cut in cuts]


def test_an_array_is_known_behind_blanks_and_empty_pieces() -> None:
    """However little the first pieces hold."""
    for pieces in ([b"", b'[{"a":1}]'], [b" ", b"\n", b"[", b'{"a":1}', b"]"]):
        rest = iter(pieces)
        start, head, inside = opened(rest, "", 100)
        assert inside
        assert [cut.raw for cut in values(split_on(head, rest), start, 100, inside=True)] == [b'{"a":1}']


def split_on(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """What was read already, then the rest."""
    if first:
        yield first
    yield from rest


def test_a_long_line_is_told_and_those_behind_it_go_on() -> None:
    """Its first bytes are kept; its length may be anything."""
    body = b"one\n" + b"x" * 1_000_000 + b"\ntwo"
    cuts, expired = found(FRAMINGS["lines"], split(body, range(0, len(body), 1_000)))
    assert [(cut.raw, bool(cut.problem)) for cut in cuts] == [(b"one", False), (b"x" * LONGEST, True), (b"two", False)]
    assert cuts[1].end == cuts[2].begin == 1_000_005
    assert not expired


@pytest.mark.parametrize("body", [b'{"a":1} {broken', b'{"a":1} "unfinished', b'{"a":1} ]'])
def test_broken_json_is_told_as_one_piece(body: bytes) -> None:
    """Where the rest is short, nothing is lost: it is parked as it stands."""
    cuts, expired = found(FRAMINGS["values"], split(body, []))
    assert [(cut.raw, bool(cut.problem)) for cut in cuts] == [(b'{"a":1}', False), (body[8:], True)]
    assert not expired


def test_behind_long_broken_json_nothing_can_be_read() -> None:
    """Its beginning is told, and then that the rest is lost; memory holds no more than the limit asks for."""
    taken = []

    def pieces() -> Iterator[bytes]:
        yield b'{"a":1} {broken'
        for number in range(1_000):
            taken.append(number)
            yield b"x" * 10

    cuts, expired = found(FRAMINGS["values"], pieces())
    assert (cuts[0].raw, len(cuts[1].raw), bool(cuts[1].problem)) == (b'{"a":1}', LONGEST, True)
    assert expired
    assert len(taken) < 10


def test_an_envelope_that_is_not_there_is_told() -> None:
    """Another document is no empty one."""
    for body in (b'{"a": [1]}', b"x" * 100, b'{"Records": 5}'):
        with pytest.raises(Expired, match="no array under 'Records'"):
            opened(iter([body]), "Records", 50)
    assert opened(iter([b" \n"]), "Records", 50)[2] is False


def test_a_number_of_any_length_hides_nothing_behind_it() -> None:
    """Python's own int takes no more than 4,300 digits; a value ends where it ends."""
    body = b'[{"n":%s},{"n":1}]' % (b"1" * 5_000)
    assert [cut.raw for cut in values(iter([body[1:]]), 1, 10_000, inside=True)] == [body[1:-9], b'{"n":1}']
