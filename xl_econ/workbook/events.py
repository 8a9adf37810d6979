"""XML read event by event, where a tree of all its elements would not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from xl_econ.core.errors import WorkbookError

_NO_NUMBER = re.compile(r"(?:invalid literal|could not convert)[^:]*: (.*)", re.S)
_TOO_LONG = "Exceeds the limit"  # of digits that Python reads


def walk(
    given: bytes | str,
    where: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    """Parse a part, or text of it; a document type, which could make a parser work for ever, is refused.

    Raises:
        WorkbookError: It is malformed, or has a document type.
    """
    parser = expat.ParserCreate() if isinstance(given, bytes) else expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text

    def refuse(*_: Any) -> None:
        raise WorkbookError(f"{where} has a document type of its own")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(given if isinstance(given, bytes) else given.encode("utf-8", "replace"), True)
    except expat.ExpatError as e:
        raise WorkbookError(f"{where} is malformed: {e}") from None


def is_true(text: str | None) -> bool:
    """Whether an attribute says yes."""
    return text in ("1", "true")


def in_words(e: Exception) -> str:
    """What a reader stumbled over, for who only sees the workbook: a library's error names its own insides."""
    said = " ".join(f"{e}".split())[:200]
    if isinstance(e, KeyError):
        return f"something lacks its {said}"
    if isinstance(e, IndexError | AttributeError | TypeError):
        return "a part of it refers to what is not there"
    if said.startswith(_TOO_LONG):
        return "a number has thousands of digits"
    found = _NO_NUMBER.match(said)
    return f"{found[1][:60]} stands where a number should" if found else said or "its parts do not fit together"
