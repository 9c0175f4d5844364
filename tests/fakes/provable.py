"""Destinations that offer a proof of ownership, in memory."""

from tests.fakes.engine import ScriptedDestination

from logferry.errors import Transient

__all__ = ["Bucket", "Parrot"]


class Bucket(ScriptedDestination):
    """Keeps token files, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}
        self.down = False

    def place_token(self, name: str, text: str, time_out: float) -> str:
        assert time_out > 0
        if self.down:
            raise Transient("the bucket does not answer")
        self.files[f"logs/{name}"] = text
        return f"logs/{name}"

    def read_token(self, key: str, time_out: float) -> str:
        assert time_out > 0
        if self.down:
            raise Transient("the bucket does not answer")
        return self.files[key]

    @property
    def token(self) -> str:
        """The newest file's text."""
        return list(self.files.values())[-1]


class Parrot(ScriptedDestination):
    """Says a nonce back, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: list[str] = []
        self.deaf = False

    def echo(self, nonce: str, time_out: float) -> bool:
        assert time_out > 0
        self.nonces.append(nonce)
        return not self.deaf
