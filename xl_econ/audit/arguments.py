"""The function calls of a formula with the texts of their arguments."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*'!?|\[(?:[^\[\]]|\[[^\[\]]*\])*\])|(?P<call>(?<![\w.])[A-Za-z_][\w.]*+)\(|(?P<sign>[(){},;])"""
)
_PREFIX = re.compile(r"^(?:_xlfn\.|_xlws\.|_xludf\.)+", re.I)


@lru_cache(1 << 17)
def calls(formula: str) -> list[tuple[str, list[str]]]:
    """Every call of a function with its arguments, the inner ones first.

    Args:
        formula: A formula, in whatever terms its references are.
    """
    found: list[tuple[str, list[str]]] = []
    open_: list[tuple[str, list[str], int]] = []
    for m in _TOKEN.finditer(formula):
        if m["text"]:
            continue
        sign = "(" if m["call"] else m["sign"]
        if sign in "({":
            open_.append((_PREFIX.sub("", m["call"] or "").upper(), [], m.end()))
        elif sign == "," and open_:
            name, arguments, start = open_[-1]
            arguments.append(formula[start : m.start()])
            open_[-1] = (name, arguments, m.end())
        elif sign in ")}" and open_:
            name, arguments, start = open_.pop()
            if name:
                found.append((name, [*arguments, formula[start : m.start()]]))
    return found
