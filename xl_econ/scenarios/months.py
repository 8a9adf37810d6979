"""The timeline of a template over many rows of inputs at once, as far as its totals are asked for."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable
from typing import Any

import numpy as np

from xl_econ.templates.program import read
from xl_econ.templates.timeline import Look, Months

from .arrays import Env, Rows, Value


class Totals:
    """What rows of a timeline come to.

    Args:
        months: The timeline.
    """

    def __init__(self, months: Months) -> None:
        self._months = months
        self._rows = {r.key: r for r in months.spec.rows}
        self._roots, self._openings = dict(months.roots), dict(months.openings)
        self._looks = {look.name: look for look in months.looks}
        self.keys = [r.key for r in months.spec.rows if r.total]

    def needs(self, keys: Iterable[str]) -> tuple[set[str], set[str]]:
        """The rows that totals follow from, and what these read outside the timeline."""
        rows: set[str] = set()
        outside: set[str] = set()
        left = list(keys)
        while left:
            key = left.pop()
            if key in rows:
                continue
            rows.add(key)
            outside |= set(read([self._openings[key]])) if key in self._openings else set()
            for name in read([self._roots[key]]):
                if look := self._looks.get(name):
                    left.append(look.key)
                    outside.add(look.count)
                elif (row := name.removeprefix("previous(").removesuffix(")")) in self._rows:
                    left.append(row)
                elif name != "month":
                    outside.add(name)
        return rows, outside

    def __call__(self, keys: Iterable[str], env: Env) -> dict[str, Value]:
        """The totals of rows; to be called under `arrays.raising`."""
        wanted = list(keys)
        rows, _ = self.needs(wanted)
        order = [key for key in self._rows if key in rows]
        looked = {look.key for look in self._looks.values()} & rows
        start = Rows(env)
        last: dict[str, Value] = {key: self._opening(key, start) for key in order}
        totals = {key: last[key] for key in wanted if self._rows[key].total == "sum"}
        held = {key: [last[key]] for key in looked}
        for month in range(1, self._months.spec.months + 1):
            now: dict[str, Value] = {"month": (np.float64(month), False)}
            now |= {f"previous({key})": value for key, value in last.items()}
            here = Rows(ChainMap(now, env))  # type: ignore[arg-type]
            for key in order:
                for name in read([self._roots[key]]):
                    if look := self._looks.get(name):
                        now[name] = _looked(look, held[look.key], month, env[look.count])
                now[key] = last[key] = here.value(self._roots[key])
                if key in held:
                    held[key].append(last[key])
                if key in totals:
                    totals[key] = _sum(totals[key], last[key])
        return {key: totals.get(key, last[key]) for key in wanted}

    def _opening(self, key: str, start: Rows) -> Value:
        if key in self._openings:
            return start.value(self._openings[key])
        return np.float64(self._rows[key].opening or 0.0), False


def _sum(a: Value, b: Value) -> Value:
    return a[0] + b[0], a[1] | b[1]


def _looked(look: Look, held: list[Value], month: int, count: Value) -> Value:
    """The value of a row so many months ago, or the sum of its last ones, where each row has months of its own."""
    ago, missing = month - count[0], count[1]
    found: Any = np.float64(0.0)
    for n, (values, gone) in enumerate(held):
        taken = (n == ago) if look.is_earlier else n > np.floor(ago)
        if look.is_earlier and n >= month:
            break
        found = found + np.where(taken, values, 0.0)
        missing = missing | (np.asarray(gone) & taken)
    return found, missing
