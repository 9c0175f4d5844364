"""Posts of logs: who may post, what is answered, and what the ledger says of it."""

import gzip
import json
import logging
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.engine import ScriptedDestination
from tests.fakes.receiving import KEY, PATH, Landing, landing, signature

from logferry import calls, wiring
from logferry.dead_letters import Place
from logferry.errors import ConfigError, Misconfigured, Permanent, StateError, TooLarge, Transient
from logferry.ledger import Open
from logferry.letters import record_of
from logferry.model import Counts, Payload
from logferry.positions import seek
from logferry.runtime import Call
from logferry.runtime.web import Response
from logferry.slots import MOST
from logferry.task_store import Stored
from logferry.vault import Secret

TWO = b'{"id":1}\n{"id":2}\n'


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Landing]:
    """A receiver with one signed task."""
    with landing(tmp_path) as made:
        made.apply()
        yield made


def ids(to: ScriptedDestination) -> list[int]:
    """What arrived."""
    return [json.loads(line)["id"] for line in to.taken if line]


def test_a_signed_post_is_delivered_and_counted(here: Landing) -> None:
    """200, and the ledger's row says what became of it."""
    assert here.post(TWO).status == 200
    assert here.post(b'[{"id":3}]').status == 200
    assert ids(here.to) == [1, 2, 3]
    (row,) = here.rows()
    assert (row.stream, int(row.position) - int(row.start)) == ("0", 2)
    assert row.counts == Counts(read=3, delivered=3)


def test_the_task_leaves_out_what_it_always_does(tmp_path: Path) -> None:
    """Its filter and fields work on what is sent as on what is read."""
    with landing(tmp_path) as here:
        here.apply(filter={"all": [{"field": "status", "op": "geq", "value": 400}]}, fields=["id"])
        assert here.post(b'{"id":1,"status":200}\n{"id":2,"status":500,"x":1}').status == 200
        assert here.counts() == Counts(read=2, delivered=1, filtered=1)
        assert [json.loads(line) for line in here.to.taken if line] == [{"id": 2}]


def test_an_empty_post_is_taken_and_writes_nothing(here: Landing) -> None:
    """A sender's test."""
    assert here.post(b"\n").status == 200
    assert here.rows() == []


@pytest.mark.parametrize(
    "query",
    ["", "auth_key=", "auth_key=x", signature(key=Secret("other9key"), now=1_767_225_600),
     signature("/other", now=1_767_225_600), signature(now=1_767_225_000),
     "&".join([signature(now=1_767_225_600)] * 2), f"{signature(now=1_767_225_600)}&auth%5Fkey=1"],
    ids=["none", "empty", "malformed", "other key", "other path", "expired", "twice", "twice, disguised"],
)  # fmt: skip
def test_a_bad_signature_is_answered_without_a_word(here: Landing, query: str) -> None:
    """403 with no body and no header, nothing written."""
    assert here.post(TWO, query) == Response(403)
    assert here.rows() == []
    assert here.to.sent == 0


def test_an_unknown_path_looks_like_a_bad_signature(here: Landing) -> None:
    """Unless it is signed with a key of ours: then it is 404, so that a typing mistake is found."""
    assert here.post(TWO, "", path="/other") == here.post(TWO, "") == Response(403)
    assert here.post(TWO, signature("/other", Secret("other9key"), now=here.clock()), path="/other") == Response(403)
    assert here.post(TWO, path="/other") == Response(404)


OTHER_SPELLINGS = (
    "/logs//esa", "/logs/./esa", "/logs/x/../esa", "/logs/%65sa", "/LOGS/esa", "/logs/esa/", "logs/esa",
    "/logs/esa;a=1", "//logs/esa", "http://h/logs/esa", "/logs/esa%00",
)  # fmt: skip


@pytest.mark.parametrize("path", OTHER_SPELLINGS)
def test_another_spelling_is_another_path(here: Landing, path: str) -> None:
    """With the signature of the real one, of its own, or none."""
    assert here.post(TWO, "", path=path).status == 403
    assert here.post(TWO, signature(now=here.clock()), path=path).status in (403, 404)
    assert here.post(TWO, path=path).status in (403, 404)
    assert here.rows() == []


def test_as_much_work_is_done_for_an_unknown_path(here: Landing) -> None:
    """Every key is tried against every request, so that the time taken tells nothing."""
    here.apply("second", path="/second")
    key = _Counted(KEY.reveal())
    here.shop.secret = lambda _reference: key  # type: ignore[method-assign,assignment]  # this workshop only
    here.post(TWO, "")
    found = []
    for path in (PATH, "/second", "/unknown"):
        key.tries.clear()
        here.post(TWO, f"auth_key={int(here.clock()) + 300}-0-{'0' * 32}", path=path)
        found.append(len(key.tries))
    assert found == [found[0]] * 3 != [0] * 3


class _Counted(Secret):
    """Tells how often it was looked at."""

    tries: list[int] = []  # noqa: RUF012  # of the one there is

    def reveal(self) -> str:
        self.tries.append(1)
        return super().reveal()


def test_two_keys_are_good_while_they_change(tmp_path: Path) -> None:
    """One that is missing does not shut out who signs with the other; without any it is 503, not 403."""
    with landing(tmp_path, {"NEW": "newkey1"}) as here:
        here.apply(keys=["secret://env/KEY", "secret://env/NEW"])
        assert here.post(TWO).status == 200
        assert here.post(TWO, signature(key=Secret("newkey1"), now=here.clock())).status == 200
        here.apply("half", path="/half", keys=["secret://env/GONE", "secret://env/NEW"])
        here.apply("broken", path="/broken", keys=["secret://env/GONE"])
        here.clock.forward(6)
        assert here.post(TWO, signature("/half", Secret("newkey1"), now=here.clock()), path="/half").status == 200
        assert here.post(TWO, path="/broken").status == 503


def test_a_key_that_anybody_could_guess_is_none(tmp_path: Path) -> None:
    """ESA takes 6 to 18 letters and digits, both; a shorter one is a mistake."""
    with landing(tmp_path, {"SHORT": "a"}) as here:
        here.apply(keys=["secret://env/SHORT"])
        assert here.post(TWO, signature(key=Secret("a"), now=here.clock())).status == 503
        assert here.rows() == []


def test_leeway_longest_and_signed_path_are_the_tasks_own(tmp_path: Path) -> None:
    """As they are in `signing`."""
    with landing(tmp_path) as here:
        here.apply(leeway="10s", longest="300s", signed_path="v1/upload")
        now = here.clock()
        assert here.post(TWO, signature("v1/upload", now=now)).status == 200
        assert here.post(TWO, signature("v1/upload", now=now - 308)).status == 200
        assert here.post(TWO, signature("v1/upload", now=now - 312)).status == 403
        assert here.post(TWO, signature("v1/upload", now=now, expires=400)).status == 403
        assert here.post(TWO).status == 403


def test_unsigned_posts_are_taken_only_where_that_was_chosen(tmp_path: Path) -> None:
    """Beside a task that is signed."""
    with landing(tmp_path) as here:
        here.apply()
        here.apply("open", path="/open", unsigned=True)
        assert here.post(TWO, "", path="/open").status == 200
        assert here.post(TWO, "").status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_only_posts_and_puts_are_taken(here: Landing, method: str) -> None:
    """Whoever may not post does not even hear that."""
    assert here.post(TWO, method=method).status == 405
    assert here.post(TWO, "", method=method).status == 403
    assert here.rows() == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (gzip.compress(TWO), {"content-encoding": "gzip"}, 200),
        (gzip.compress(TWO), {}, 200),
        (zlib.compress(TWO), {"content-encoding": "deflate"}, 200),
        (TWO, {"content-encoding": "identity"}, 200),
        (TWO, {"content-encoding": "br"}, 415),
        (TWO, {"content-encoding": "gzip"}, 400),
        (gzip.compress(TWO)[:-4], {"content-encoding": "gzip"}, 400),
        (b"no json at all", {}, 400),
        (gzip.compress(b" " * 50_000_000), {"content-encoding": "gzip"}, 413),
        (b"x" * 20_001, {}, 413),
        (TWO * 200, {}, 413),
    ],
    ids=["gzip", "gzip by its first bytes", "zlib", "plain", "unknown", "not gzip", "cut short", "no json", "bomb",
         "long", "many records"],
)  # fmt: skip
def test_bodies_are_bounded_and_told_shortly(tmp_path: Path, body: bytes, headers: dict[str, str], status: int) -> None:
    """What is refused writes nothing at all."""
    with landing(tmp_path / "objects") as here:
        here.apply(max_body=60_000 if status == 413 and headers else 20_000, max_inflated=1_000_000, max_records=300)
        answer = here.post(body, headers=headers)
        assert answer.status == status
        assert len(answer.text) < 30
        assert here.counts() == (Counts(read=2, delivered=2) if status == 200 else Counts())
        assert status == 200 or here.rows() == []


def test_a_logferry_at_the_other_end_hears_its_nonce(here: Landing) -> None:
    """If it signs; nothing is written, and nothing but letters and digits is said back."""
    nonce, head = "0a1b2c" * 8, "x-logferry-challenge"
    assert here.post(nonce, headers={head: nonce}) == Response(200, nonce)
    assert here.post(nonce, "", headers={head: nonce}) == Response(403)
    assert here.post("<b>", headers={head: "<b>"}).text == "unreadable\n"
    assert here.post(TWO, headers={head: nonce}) == Response(200)
    assert here.counts() == Counts(read=2, delivered=2)


def test_a_broken_line_is_parked_and_the_others_go_on(here: Landing) -> None:
    """With its bytes; the ledger and the store agree."""
    assert here.post(b'{"id":1}\nbroken \xff\n{"id":2}').status == 200
    assert ids(here.to) == [1, 2]
    assert here.counts() == Counts(read=3, delivered=2, parked=1)
    (letter,) = here.letters()
    assert letter.partition(b"\n")[2] == b"broken \xff"


def test_a_refused_record_is_parked_so_that_it_can_be_replayed(tmp_path: Path) -> None:
    """The letter says which source reads it, and keeps its time."""
    with landing(tmp_path) as here:
        here.apply(time_field="at")
        here.to.judge = _refuse_two
        assert here.post(b'{"id":1}\n{"id":2,"at":"2026-01-01T00:00:00.5Z"}\n{"id":3}').status == 200
        assert sorted(ids(here.to)) == [1, 3]
        assert here.counts() == Counts(read=3, delivered=2, parked=1)
        (key,) = here.shop.dead.keys("received", "open")
        letter = here.shop.dead.get(key)
        assert letter is not None
        record = record_of(letter)
        assert (record.fields["id"], record.time, record.nanos) == (2, 1_767_225_600, 500_000_000)


def _refuse_two(payload: Payload) -> None:
    if b'"id":2' in payload.body:
        raise Permanent("two is refused")


def test_a_destination_that_is_away_is_503_and_the_sender_comes_again(here: Landing) -> None:
    """Nothing is counted; the repeat is, as one that may be one."""
    here.to.script = iter([Transient("away")] * 100)
    answer = here.post(TWO)
    assert answer.status == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= 15
    assert here.counts() == Counts()
    here.to.script = iter(())
    here.clock.forward(int(answer.headers["Retry-After"]))
    assert here.post(TWO).status == 200
    assert here.counts() == Counts(read=2, delivered=2, maybe_repeated=2)


def test_a_destination_is_left_alone_for_a_while(here: Landing) -> None:
    """As it asked, but never so long that every sender has given up."""
    here.to.script = iter([Transient("away", retry_after=3600)] * 100)
    assert here.post(TWO).headers["Retry-After"] == "300"
    sent = here.to.sent
    assert here.post(TWO).headers["Retry-After"] == "15"
    assert here.to.sent == sent
    here.clock.forward(15)
    here.to.script = iter(())
    assert here.post(TWO).status == 200


def test_the_answer_comes_in_time(here: Landing) -> None:
    """However long the destination makes us wait: a sender that hangs up sends it again."""
    here.to.script = iter([Transient("away")] * 1000)
    started = here.clock()
    assert here.post(TWO).status == 503
    assert here.clock() - started <= 9


@pytest.mark.parametrize("state", ["pending", "offline"])
def test_a_task_that_is_not_online_takes_nothing(here: Landing, state: Any) -> None:  # noqa: ANN401  # a State
    """503: whoever paused it does not want to lose what is sent meanwhile."""
    here.shop.tasks.set_state("received", state)
    assert here.post(TWO).status == 503
    assert here.rows() == []


def test_a_refused_credential_holds_the_task_until_it_is_mended(here: Landing) -> None:
    """One probe a back-off; delivering ends the hold."""
    here.to.script = iter([Misconfigured("HTTP 401")])
    assert here.post(TWO).status == 503
    assert here.shop.holds.health("received") is not None
    sent = here.to.sent
    assert here.post(TWO).status == 503
    assert here.to.sent == sent
    here.clock.forward(31)
    assert here.post(TWO).status == 200
    assert here.shop.holds.health("received") is None


def test_a_destination_that_refuses_nearly_all_holds_the_task(here: Landing) -> None:
    """The park budget is the engine's own: 100 letters for one reason, then 503."""
    here.to.judge = _refuse_all
    answers = [here.post(TWO).status for _ in range(60)]
    assert answers[:50] == [200] * 50
    assert set(answers[50:]) == {503}
    assert here.counts().parked == len(here.letters()) == 100


def _refuse_all(_payload: Payload) -> None:
    raise TooLarge("no")


def test_a_slot_in_use_is_passed_over(here: Landing) -> None:
    """Two posts at once have a row each; when all slots are taken it is 503."""
    assert here.post(TWO).status == 200
    _lease(here, "0")
    assert here.post(TWO).status == 200
    assert [row.stream for row in here.rows()] == ["0", "1"]
    for number in range(MOST):
        if here.shop.ledger.create("received", str(number), "0"):
            _lease(here, str(number))
    _lease(here, "1")
    answer = here.post(TWO)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def _lease(here: Landing, slot: str) -> None:
    claim = here.shop.ledger.hold("received", slot, now=here.clock(), until=here.clock() + 60)
    assert claim is not None


def test_a_slot_that_failed_comes_first(here: Landing) -> None:
    """Else it would be told as failing for ever, while others take the posts."""
    assert here.post(TWO).status == 200
    _lease(here, "0")
    here.to.script = iter([Transient("away")] * 100)
    assert here.post(TWO).status == 503
    here.to.script = iter(())
    here.clock.forward(61)
    assert [row.failures for row in here.rows()] == [0, 1]
    assert here.post(TWO).status == 200
    assert [(row.failures, row.last_error, row.open) for row in here.rows()] == [(0, "", None)] * 2


def test_what_a_killed_receiver_parked_does_not_count_twice(here: Landing) -> None:
    """Its post was never answered: the next one in that slot takes its place."""
    assert here.post(TWO).status == 200
    claim = here.shop.ledger.hold("received", "0", now=here.clock(), until=here.clock() - 1)
    assert claim is not None
    begin = claim.row.position
    claim.save(msgspec.structs.replace(claim.row, open=Open(begin=begin, end=str(int(begin) + 1), task_version=1)))
    here.shop.dead.park("received", 1, Place("0", begin, 1), "refused", b"0.000000000\n{}", source="received")
    assert here.post(TWO).status == 200
    assert here.letters() == []
    assert here.counts() == Counts(read=4, delivered=4, maybe_repeated=2)


def test_posts_at_once_wait_for_each_other(here: Landing) -> None:
    """In one process a destination has one post at a time; all arrive, none twice."""
    answers: list[int] = []
    bodies = [b'{"id":%d}' % number for number in range(4)]
    threads = [threading.Thread(target=lambda body=body: answers.append(here.post(body).status)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(ids(here.to)) == [0, 1, 2, 3]
    assert answers == [200] * 4


def test_a_deleted_task_gets_no_row_again(here: Landing) -> None:
    """Between the list of tasks, which is kept for seconds, and the post."""
    assert here.post(b"").status == 200
    here.shop.tasks.delete("received")
    assert here.post(TWO).status == 503
    assert here.shop.ledger.rows("received") == []
    here.clock.forward(6)
    assert here.post(TWO).status == 403


def test_a_table_that_is_down_is_503(here: Landing) -> None:
    """Before anybody is let in, and after: the sender comes again."""
    here.shop.tasks.all = _down  # type: ignore[method-assign]  # this workshop only
    assert here.post(TWO).status == here.post(TWO, "").status == 503
    del here.shop.tasks.all  # as it was
    here.clock.forward(1.1)
    here.shop.tasks.find = _down  # type: ignore[method-assign,assignment]  # this workshop only
    assert here.post(TWO).status == 503
    assert here.rows() == []


def _down(*_: object) -> Any:  # noqa: ANN401  # it never returns
    raise StateError("the table is down")


def test_strangers_do_not_make_a_table_work_that_is_down(here: Landing) -> None:
    """However many they are, it is asked once a second; then posts are taken again."""
    asked: list[str] = []
    real = here.shop.tasks.all

    def down() -> list[Stored]:
        asked.append("")
        raise StateError("down")

    here.shop.tasks.all = down  # type: ignore[method-assign]  # the table of this workshop only
    assert {here.post(TWO, "").status for _ in range(20)} == {503}
    assert len(asked) == 1
    here.shop.tasks.all = real  # type: ignore[method-assign]  # as above
    here.clock.forward(1.1)
    assert here.post(TWO).status == 200


def test_no_log_line_holds_a_signature(here: Landing, caplog: pytest.LogCaptureFixture) -> None:
    """Neither of a refused post nor of one that could not be delivered."""
    caplog.set_level(logging.DEBUG)
    here.to.script = iter([Transient("away")] * 100)
    good = signature(now=here.clock())
    here.post(TWO, good)
    here.post(TWO, "auth_key=1767225900-0-hush")
    here.post(b"hush", good)
    here.post(TWO, good, path="/hidden?auth_key=hush")
    text = "\n".join(str(record.__dict__) for record in caplog.records)
    assert len(caplog.records) >= 3
    assert good.partition("=")[2] not in text
    assert "hush" not in text.replace("/hidden?auth_key=hush", "")
    assert KEY.reveal() not in text


def test_seek_knows_that_nothing_can_be_read(here: Landing) -> None:
    """It says why not, and moves nothing."""
    here.post(TWO)
    source = here.shop.source(here.shop.tasks.get("received").task())
    assert source.streams() == []
    with pytest.raises(ConfigError, match="nothing that could be read again"):
        seek("received", source, here.shop.ledger, "end", here.clock())


def test_sweep_leaves_a_held_task_to_its_sender(tmp_path: Path) -> None:
    """Else it would use up each probe, and the hold would never end."""
    with landing(tmp_path) as here:
        here.apply()
        shop = wiring.workshop(here.environ)
        assert shop.tasks.names() == ["received"]
        shop.holds.hold("received", "HTTP 401", time.time() - 1000)
        before = shop.holds.health("received")
        assert calls.sweep(Call({}, "r", here.environ, lambda: 60.0))["finished"] is True
        assert shop.holds.health("received") == before
        wiring.dismiss()
