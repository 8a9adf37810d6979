r"""What Excel opens when it starts: the values OPEN, OPEN1, OPEN2... in its key Options.

Each names one add-in, quoted, perhaps behind switches: `"C:\...\xl_econ.xlam"`, `/R "tools.xll"`. Excel numbers them
without gaps when it closes; others' values are never changed, only moved down where taking ours out leaves a gap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PureWindowsPath

from .system import Value

FILE = "xl_econ.xlam"
_NAME = re.compile(r"OPEN(\d*)", re.IGNORECASE)
_TARGET = re.compile(r'(?:/\w+\s+)*"?([^"]*)"?\s*')


def number(name: str) -> int | None:
    """The place of a value in the order of opening: OPEN is 0, OPEN1 is 1; None for a value of another kind."""
    found = _NAME.fullmatch(name)
    return int(found[1] or 0) if found else None


def name_of(place: int) -> str:
    """The value's name at a place."""
    return f"OPEN{place or ''}"


def target(value: Value) -> str:
    """The file that a value opens: without quotes and switches."""
    found = _TARGET.fullmatch(str(value.data))
    return found[1] if found else str(value.data)


def opened(values: Mapping[str, Value]) -> dict[int, tuple[str, Value]]:
    """What Excel opens, by place: the value's name as it stands, and the value."""
    found = {place: (name, v) for name, v in values.items() if (place := number(name)) is not None}
    return dict(sorted(found.items()))


def ours(values: Mapping[str, Value], path: PureWindowsPath) -> list[int]:
    """Places that open our add-in: by its path, or by its bare name, as Excel may write it for its own folder."""
    return [n for n, (_, v) in opened(values).items() if _same(target(v), path)]


def others(values: Mapping[str, Value], path: PureWindowsPath) -> list[str]:
    """Files of our add-in's name that Excel opens from another place: it would be loaded twice."""
    targets = [target(v) for _, v in opened(values).values()]
    return [t for t in targets if PureWindowsPath(t).name.casefold() == FILE and not _same(t, path)]


def _same(text: str, path: PureWindowsPath) -> bool:
    return text.casefold() in (str(path).casefold(), path.name.casefold())


def added(values: Mapping[str, Value], path: PureWindowsPath) -> tuple[str, Value] | None:
    """The value to set so that Excel opens the add-in, in the first free place; None if it does already."""
    if ours(values, path):
        return None
    taken = opened(values)
    place = next(n for n in range(len(taken) + 1) if n not in taken)
    return name_of(place), Value(f'"{path}"')


def removed(values: Mapping[str, Value], path: PureWindowsPath, gaps: bool) -> dict[str, Value | None]:
    """The changes that take the add-in out.

    Args:
        values: The values of the key.
        path: The add-in.
        gaps: Leave a gap where it stood, because there was one before it came.

    Returns:
        New values by name; None is to be removed.
    """
    taken = opened(values)
    mine = ours(values, path)
    if not mine:
        return {}
    if gaps:
        return {taken[n][0]: None for n in mine}
    changes: dict[str, Value | None] = {}
    shift = 0
    for place, (name, value) in taken.items():
        if place in mine:
            shift += 1
            changes[name] = None
        elif shift:
            changes.setdefault(name, None)
            changes[taken[place - shift][0] if place - shift in taken else name_of(place - shift)] = value
    return changes
