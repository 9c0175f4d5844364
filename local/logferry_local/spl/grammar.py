"""Expressions: literals, fields, calls, operators with the precedence of SQL.

Weakest first: or; and; not; = <> != < <= > >= in like between is-null; ||; + -; * / %; unary minus.
"""

from collections.abc import Callable, Sequence

from logferry_local.spl.lexer import Token
from logferry_local.spl.reader import Reader
from logferry_local.spl.signatures import ARGUMENTS, CONSTANT, TYPES
from logferry_local.spl.syntax import MAX_DEPTH, Call, Expression, Field, Literal, Value, depth

__all__ = ["RESERVED", "Grammar"]

RESERVED = frozenset(
    {"and", "or", "not", "in", "like", "between", "is", "null", "true", "false", "case", "when", "then", "else", "end"}
)
_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_LEVELS = (("||",), ("+", "-"), ("*", "/", "%"))
_WHOLE = 1 << 63


class Grammar:
    """Reads expressions from where the reader stands."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._nested = 0

    def expression(self) -> Expression:
        """One expression; SplError."""
        self._nested += 1
        if self._nested > MAX_DEPTH:
            self._reader.wrong(f"an expression nested no more than {MAX_DEPTH} deep")
        try:
            return self._chain("or", "and")
        finally:
            self._nested -= 1

    def _chain(self, word: str, *stronger: str) -> Expression:
        def part() -> Expression:
            return self._chain(*stronger) if stronger else self._negation()

        parts = [part()]
        while self._reader.skip(word):
            parts.append(part())
        return self._call(word, parts) if len(parts) > 1 else parts[0]

    def _negation(self) -> Expression:
        count = 0
        while self._reader.skip("not"):
            count += 1
        found = self._comparison()
        return self._call("not", [self._call("not", [found])] if count % 2 == 0 else [found]) if count else found

    def _comparison(self) -> Expression:
        left = self._binary(0)
        if self._reader.at(*_COMPARISONS):
            symbol = self._reader.take().value
            return self._call("<>" if symbol == "!=" else symbol, [left, self._binary(0)])
        if self._reader.skip("is"):
            negated = self._reader.skip("not")
            self._reader.expect("null")
            return self._negated(negated, self._call("is null", [left]))
        if self._reader.at("not") and self._reader.ahead().value.lower() in ("in", "like", "between"):
            self._reader.take()
            return self._negated(True, self._membership(left))  # noqa: FBT003  # `not` was there
        return self._membership(left) if self._reader.at("in", "like", "between") else left

    def _membership(self, left: Expression) -> Expression:
        word = self._reader.take().value.lower()
        if word == "in":
            self._reader.expect("(")
            return self._call("in", [left, *self._list(")")])
        if word == "between":
            low = self._binary(0)
            self._reader.expect("and")
            return self._call("and", [self._call(">=", [left, low]), self._call("<=", [left, self._binary(0)])])
        return self._call("like", [left, self._constant("a 'pattern' with % and _")])

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        found = self._binary(level + 1)
        while self._reader.at(*_LEVELS[level]):
            symbol = self._reader.take().value
            right = self._binary(level + 1)
            if symbol == "||" and isinstance(found, Call) and found.name == "concat":
                found = self._call("concat", [*found.arguments, right])
            else:
                found = self._call("concat" if symbol == "||" else symbol, [found, right])
        return found

    def _unary(self) -> Expression:
        negative = False
        while self._reader.skip("-"):
            negative = not negative
        found = self._atom()
        if not negative:
            return found
        if isinstance(found, Literal) and isinstance(found.value, int | float):
            return Literal(-found.value)
        return self._call("-", [Literal(0), found])

    def _atom(self) -> Expression:
        token = self._reader.token
        if token.kind == "text":
            return Literal(self._reader.take().value)
        if token.kind == "number":
            return Literal(self._number())
        if token.kind == "quoted":
            return Field(self._reader.name("a field name"))
        if self._reader.skip("("):
            found = self.expression()
            self._reader.expect(")")
            return found
        if token.kind != "name":
            self._reader.wrong("a field, a 'text', a number, a function or (")
        return self._word()

    def _word(self) -> Expression:
        token = self._reader.take()
        word = token.value.lower()
        if word == "case":
            return self._case()
        if word in ("null", "true", "false"):
            return Literal({"null": None, "true": True, "false": False}[word])
        if word in RESERVED:
            self._reader.wrong("a field, a 'text', a number, a function or (", token)
        if not self._reader.at("("):
            return Field(token.value)
        if word not in ARGUMENTS:
            self._reader.wrong(f"one of the functions {', '.join(sorted(ARGUMENTS))}", token)
        self._reader.take()
        if word in ("cast", "try_cast"):
            return self._cast(word)
        return self._function(word)

    def _function(self, word: str) -> Expression:
        fewest, most = ARGUMENTS[word]
        starts, found = self._arguments()
        if not fewest <= len(found) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            self._reader.wrong(f"{wanted} argument(s) of {word}, not {len(found)}", starts[-1])
        for place, check in CONSTANT.get(word, {}).items():
            if place < len(found):
                self._check(starts[place], found[place], check)
        return self._call(word, found)

    def _arguments(self) -> tuple[list[Token], list[Expression]]:
        starts = [self._reader.token]
        found: list[Expression] = []
        while not self._reader.at(")") or found:
            found.append(self.expression())
            if not self._reader.skip(","):
                break
            starts.append(self._reader.token)
        self._reader.expect(")", ",")
        return starts, found

    def _check(self, start: Token, argument: Expression, check: Callable[[Value], object]) -> None:
        """Some arguments must stand in the query itself, and be right."""
        if not isinstance(argument, Literal):
            self._reader.wrong("a value written out in the query", start)
        try:
            check(argument.value)
        except ValueError as error:
            self._reader.wrong(str(error), start)

    def _cast(self, word: str) -> Expression:
        value = self.expression()
        self._reader.expect("as")
        if not self._reader.at(*TYPES):
            self._reader.wrong(", ".join(TYPES))
        kind = TYPES[self._reader.take().value.lower()]
        self._reader.expect(")")
        return self._call(f"{word} {kind}", [value])

    def _case(self) -> Expression:
        arguments: list[Expression] = []
        self._reader.expect("when")
        while not arguments or self._reader.skip("when"):
            arguments.append(self.expression())
            self._reader.expect("then")
            arguments.append(self.expression())
        arguments.append(self.expression() if self._reader.skip("else") else Literal(None))
        self._reader.expect("end")
        return self._call("case", arguments)

    def _list(self, closing: str) -> list[Expression]:
        found = [self.expression()]
        while self._reader.skip(","):
            found.append(self.expression())
        self._reader.expect(closing, ",")
        return found

    def _constant(self, what: str) -> Expression:
        if self._reader.token.kind != "text":
            self._reader.wrong(what)
        return Literal(self._reader.take().value)

    def _number(self) -> int | float:
        token = self._reader.token
        number = int(token.value) if token.value.isdecimal() and len(token.value) < 20 else float(token.value)
        if abs(number) >= _WHOLE if isinstance(number, int) else number == float("inf"):
            self._reader.wrong("a number of at most 64 bits")
        self._reader.take()
        return number

    def _negated(self, negated: bool, found: Expression) -> Expression:  # noqa: FBT001  # private
        return self._call("not", [found]) if negated else found

    def _call(self, name: str, arguments: Sequence[Expression]) -> Call:
        deepest = 1 + max((depth(argument) for argument in arguments), default=0)
        if deepest > 2 * MAX_DEPTH:
            self._reader.wrong(f"no more than {2 * MAX_DEPTH} operations within each other")
        return Call(name, tuple(arguments), deepest)
