"""Whatever people do in whatever order: a task works only at a place whose token was told, and pauses are kept."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fakes.engine import ScriptedDestination
from tests.fakes.provable import Bucket
from tests.unit.test_ownership import Desk, task_of

from logferry import state
from logferry.errors import Misconfigured, Transient
from logferry.ownership_row import ATTEMPTS, LIFETIME
from logferry.task_store import TaskStore

HOSTS = st.sampled_from(["a.example", "b.example"])


class Ownership(RuleBasedStateMachine):
    """One task, two places, one bucket that may be down; the model is what a careful person would say."""

    number = 0

    @initialize()
    def begin(self) -> None:
        """Nothing is there."""
        Ownership.number += 1
        self.bucket = Bucket()
        destination: ScriptedDestination = self.bucket
        self.desk = Desk(state.open_table(f"memory:states-{Ownership.number}"), destination)
        self.host = ""  # where the task delivers to
        self.proved = False
        self.paused = False
        self.token = ""  # the one that is good now
        self.made = self.used = 0.0
        self.old: list[str] = []

    def placed(self) -> None:
        """Another token is out."""
        self.old += [self.token] if self.token else []
        self.token, self.made, self.used = self.bucket.token, self.desk.clock.now, 0

    @rule(host=HOSTS, lag=st.sampled_from(["1m", "2m"]), down=st.booleans())
    def apply(self, host: str, lag: str, *, down: bool) -> None:
        """The same place, or another one."""
        self.bucket.down, files = down, len(self.bucket.files)
        if host != self.host:
            self.old += [self.token] if self.token else []
            self.host, self.proved, self.token = host, False, ""
        try:
            self.desk.apply(task_of(host, max_lag=lag))
        except Transient:
            assert down
        self.bucket.down = False
        if len(self.bucket.files) > files:
            self.placed()

    @precondition(lambda self: self.host and not self.proved)
    @rule()
    def challenge(self) -> None:
        """Another token on demand."""
        self.desk.clock.now += 1
        self.desk.gate(task_of(self.host)).challenge(anew=True)
        self.placed()

    @precondition(lambda self: self.host and not self.proved)
    @rule(data=st.data())
    def verify(self, data: Any) -> None:  # noqa: ANN401  # hypothesis's own
        """With the right token, an old one, or nonsense."""
        token = data.draw(st.sampled_from([self.token or "none", "nonsense", *self.old]))
        counted = self.token and self.used < ATTEMPTS and self.desk.clock.now < self.made + LIFETIME
        try:
            self.desk.gate(task_of(self.host)).verify(f" {token}\n")
        except Misconfigured:
            assert not (counted and token == self.token)
        else:
            assert counted
            assert token == self.token
            self.proved = True
        self.used += 1 if counted else 0

    @precondition(lambda self: self.host and self.proved)
    @rule()
    def pause_or_resume(self) -> None:
        """A person's own wish."""
        self.paused = not self.paused
        TaskStore(self.desk.table, self.desk.clock).set_state("waf", "offline" if self.paused else "online")

    @rule(days=st.sampled_from([1, 8]))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.desk.clock.now += days * 86_400

    @invariant()
    def works_only_where_it_was_proved(self) -> None:
        """And as the person wanted it."""
        if self.host:
            wanted = ("offline" if self.paused else "online") if self.proved else "pending"
            assert self.desk.state() == wanted


TestOwnership = Ownership.TestCase
TestOwnership.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
