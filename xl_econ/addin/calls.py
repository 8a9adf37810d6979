"""The functions of ours that a formula calls, with their arguments as texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError

from xl_econ.core.errors import InputError
from xl_econ.lint.formula import bare
from xl_econ.metrics import REGISTRY


@dataclass
class Call:
    """A call of a function.

    Attributes:
        function: Its name.
        arguments: Its arguments as the formula has them; "" where one is left out.
        whole: Whether the formula is this call and nothing else.
    """

    function: str
    arguments: list[str] = field(default_factory=lambda: [""])
    whole: bool = False


def calls(formula: str) -> list[Call]:
    """The calls of our functions, in the order in which they begin.

    Raises:
        InputError: A formula that cannot be read.
    """
    try:
        tokens = Tokenizer(formula).items
    except (TokenizerError, IndexError, ValueError):
        raise InputError(f"the formula {formula[:60]} cannot be read") from None
    found: list[Call] = []
    opened: list[Call | None] = []
    ends: dict[int, int] = {}
    for n, token in enumerate(tokens):
        closing = token.subtype == Token.CLOSE and token.type != "ARRAYROW"
        inner = opened[:-1] if closing else opened
        for depth, call in enumerate(inner):
            if call is None:
                continue
            if token.type == Token.SEP and token.subtype == Token.ARG and depth == len(opened) - 1:
                call.arguments.append("")
            else:
                call.arguments[-1] += token.value
        if token.subtype == Token.OPEN and token.type != "ARRAYROW":
            name = bare(token.value.rstrip("(").rpartition("!")[2].lstrip("@"))
            mine = Call(name) if token.type == Token.FUNC and name in REGISTRY else None
            opened.append(mine)
            if mine:
                found.append(mine)
                ends[id(mine)] = n
        elif closing and opened:
            call = opened.pop()
            if call is not None:
                call.whole = ends[id(call)] == 0 and n == len(tokens) - 1
    for call in found:
        call.arguments = [a.strip() for a in call.arguments]
        if call.arguments == [""]:
            call.arguments = []
    return found
