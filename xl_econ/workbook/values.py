"""The values of cells on their way from an engine's process: numbers as they are in memory, all else as JSON.

A million numbers written as text and read again would take as long as computing them.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

Place = tuple[str, int, int]  # sheet, row, column
Rectangle = tuple[str, int, int, int, int]  # sheet, first and last row, first and last column


def places(rectangles: Iterable[Rectangle]) -> Iterator[Place]:
    """The cells of rectangles, row by row."""
    for sheet, top, bottom, left, right in rectangles:
        yield from product((sheet,), range(top, bottom + 1), range(left, right + 1))


def packed(values: Iterable[Any]) -> bytes:
    """Values in their order: a line of JSON with those that are no float, by number, and the floats."""
    others: dict[int, Any] = {}
    numbers = array("d")
    for n, value in enumerate(values):
        if type(value) is float:
            numbers.append(value)
        else:
            others[n] = value
            numbers.append(0.0)
    return json.dumps(others).encode() + b"\n" + numbers.tobytes()


def unpacked(data: bytes) -> list[Any]:
    """Values as `packed` wrote them.

    Raises:
        ValueError: It did not.
    """
    line, _, rest = data.partition(b"\n")
    found: list[Any] = array("d", rest).tolist()
    for n, value in json.loads(line).items():
        found[int(n)] = value
    return found
