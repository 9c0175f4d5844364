"""What happens to each function on all of its ways: good days, refusals, outages, holds, repeats."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.receiving import PATH, signature
from tests.functions.rehearsal import Rehearsal

__all__ = ["SCENES"]

BIG = "x" * 3000  # more than the receiver takes: refused for good
HURRY = {"retention": "1h"}  # what is put is almost an hour old


def prove_ownership(made: Rehearsal) -> None:
    """Tasks of all sources, two that may wait for their proof; one with mistakes, one that is gone."""

    def put(name: str, **parts: Any) -> Mapping[str, Any]:  # noqa: ANN401  # parts of a task
        reply = made.call("prove_ownership", made.task_file(f"{name}.yaml", made.task(name, **parts))).reply
        assert (reply["errors"], set(reply["applied"])) == ({}, {name}), made.log("prove_ownership")
        found: Mapping[str, Any] = reply["applied"][name]
        return found

    keys = ["secret://env/ESA_PRIVATE_KEY"]
    put("waf-to-splunk", sls=HURRY)
    put("waf-to-splunk", sls=HURRY, max_lag="2h")
    put("posts", source={"received": {"path": PATH, "keys": keys}})
    more = {"received": {"path": "/logs/archive", "keys": keys}}
    for name, parts in (("waf-to-archive", {}), ("posts-to-archive", {"source": more})):
        if put(name, destination=made.archive(), **parts)["state"] == "pending":
            made.prove(name)
    for number, bucket in enumerate(made.log_buckets):
        put(f"objects-{number}", source={"objects": {"bucket": made.bucket(bucket)}})
    for number, source in enumerate(made.taken):
        put(f"taken-{number}", source=source)
    assert made.call("prove_ownership", made.task_file("wrong.yaml", {"task": 5})).reply["errors"]
    gone = made.call("prove_ownership", made.put_event(made.task_bucket, "gone.yaml")).reply
    assert gone["ignored"] == ["gone.yaml"]
    made.hold("waf-to-splunk")  # what was wrong may be put right by a change of the file
    put("waf-to-splunk", sls=HURRY, max_lag="3h")


def forward(made: Rehearsal) -> None:
    """The doorbell of a shard; objects, there and gone; what comes in an event."""
    moving(made, "forward", made.doorbell)
    for number, bucket in enumerate(made.log_buckets):
        store = made.store(bucket)
        store.put("one.json", lines("a", BIG))
        assert made.call("forward", made.put_event(bucket, "one.json")).ok
        made.call("forward", made.put_event(bucket, "nothing.json"))
        with made.held(f"objects-{number}"):  # what is left is for the sweep
            for key in ("two.json", "dropped.json"):
                store.put(key, lines("b"))
                made.call("forward", made.put_event(bucket, key))
            store.delete("dropped.json")
    for event in made.events("c", BIG):
        reply = made.call("forward", event)
        assert reply.ok, reply
        assert not reply.reply.get("batchItemFailures")


def sweep(made: Rehearsal) -> None:
    """The timer."""
    timer = made.sample("sweep/schedule" if made.contract == "aws" else "sweep/timer")
    for _ in range(20):  # objects that could not be delivered rest for some seconds
        if made.call("sweep", timer).reply["finished"]:
            break
        time.sleep(1)
    else:
        raise AssertionError(made.log("sweep"))
    moving(made, "sweep", lambda: timer)


def moving(made: Rehearsal, name: str, event: Callable[[], Mapping[str, Any]]) -> None:
    """Delivered, parked, held and let go, spilled in an outage and delivered after all."""
    made.put_logs("one", BIG)
    assert made.call(name, event()).ok, made.log(name)
    made.hold("waf-to-splunk")
    made.put_logs("two")
    assert made.call(name, event()).ok, made.log(name)
    made.put_logs("three")
    # The other task's options do not say how long the source keeps what it is late with: so that is asked.
    with made.held("waf-to-splunk", "waf-to-archive"):
        made.call(name, event())
    assert "spilled to the object store" in made.log(name), made.log(name)
    assert made.call(name, event()).ok, made.log(name)
    assert "mistake in logferry" not in made.log(name)


def replay(made: Rehearsal) -> None:
    """Letters that are refused again, by the timer; then ones that are taken, elsewhere."""
    timer = made.sample("replay/schedule" if made.contract == "aws" else "replay/timer")
    assert made.call("replay", timer).ok, made.log("replay")
    reply = made.call("replay", {"task": "waf-to-splunk", "to": "waf-to-archive"}).reply
    assert reply["tasks"]["waf-to-splunk"]["delivered"] > 0, [reply, made.log("replay")]


def receive(made: Rehearsal) -> None:
    """Posts: delivered, with a record to park, after a hold, to the other destination, unsigned, in an outage."""

    def post(query: str, *names: str, path: str = PATH) -> int:
        return int(made.call("receive", made.post(query, path, lines(*names))).reply["statusCode"])

    assert post(signature(), "a", "b") == 200, made.log("receive")
    assert post(signature(), "c", BIG) == 200
    made.hold("posts")
    assert post(signature(), "d") == 200
    assert post(signature("/logs/archive"), "e", path="/logs/archive") == 200
    assert post("", "f") == 403
    with made.receiver_is_busy():
        assert post(signature(), "g") == 503


def verify_request(made: Rehearsal) -> None:
    """A signature that is good, and one that is not."""
    # Where the secret store does not answer in time the verdict is no: a busy machine asks again.
    assert any(made.verdict(signature()) for _ in range(3)), made.log("verify_request")
    assert not made.verdict(signature("/other"))


def lines(*names: str) -> bytes:
    """Logs as text."""
    return "".join(json.dumps({"name": name}) + "\n" for name in names).encode()


SCENES = (prove_ownership, forward, sweep, replay, receive, verify_request)
