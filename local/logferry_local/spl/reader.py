"""Walks along the tokens of one query."""

from typing import NoReturn

from logferry_local.spl.errors import mismatch
from logferry_local.spl.lexer import Token, tokens

__all__ = ["Reader"]


class Reader:
    """A place in the tokens; words are compared without regard to case."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens(text)
        self._at = 0

    @property
    def token(self) -> Token:
        """The token at this place; the last one is the end mark."""
        return self._tokens[self._at]

    def ahead(self) -> Token:
        """The token after it."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """This token; go on to the next."""
        token = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def at(self, *words: str) -> bool:
        """Whether this token is one of these symbols or words (as a bare word, not in quotes)."""
        return self.token.kind in ("symbol", "name") and self.token.value.lower() in words

    def skip(self, *words: str) -> bool:
        """Go past it, if it is one of them."""
        found = self.at(*words)
        if found:
            self.take()
        return found

    def expect(self, *words: str) -> Token:
        """It must be one of them; SplError."""
        if not self.at(*words):
            self.wrong(", ".join(repr(word) for word in words))
        return self.take()

    def name(self, what: str) -> str:
        """A field's name, bare or in double quotes; SplError."""
        if self.token.kind not in ("name", "quoted") or not self.token.value:
            self.wrong(what)
        return self.take().value

    def wrong(self, expected: str, token: Token | None = None) -> NoReturn:
        """Raise SplError: this token is not what was expected."""
        token = token or self.token
        found = self.text[token.offset : token.end] or token.value
        mismatch(self.text, token.offset, found, expected)
