"""The values of a template for many cases: its formulas are traced once, and each case only computes them."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.errors import NotAvailable, XlEconError
from xl_econ.core.quantity import clean
from xl_econ.tables import store

from . import columns, fill
from .fill import Case
from .layout import CASES, Layout, Origin
from .model import Model
from .parts import LIVE, InputRow, Line
from .program import program

Values = dict[str, Any]


@dataclass(frozen=True)
class Computed:
    """The values of a template for one case, as a `Model` of the case has them.

    Attributes:
        selected: The live case.
        values: Every input and line by case and key; the live case too.
        checks: The figures of every check, by case, in the order of the template.
        origins: Where each input comes from.
        own: Keys of the inputs that are the template's own.
        texts: Texts of the cover.
    """

    selected: str
    values: Mapping[str, Values]
    checks: list[Values]
    origins: Mapping[str, Origin]
    own: list[str]
    texts: Mapping[str, str]


class Calculator:
    """A template made ready to compute.

    Args:
        layout: The template.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.model = Model(layout)
        self.inputs = [x for x in self.model.inputs if isinstance(x, InputRow)]
        lines = [x for x in self.model.lines if isinstance(x, Line)]
        self._keys = [x.key for x in lines]
        self._checked = [n for n, check in enumerate(self.model.checks) if check.root is not None]
        roots = [(x.key, x.root) for x in lines]
        roots += [(f"check {n}", self.model.checks[n].root) for n in self._checked]
        read = {name for _, root in roots if root is not None for name in columns.read_by(root)}
        names = [*self.layout.by_key, *sorted(read)]
        self._program = program([(key, root) for key, root in roots if root is not None], names)
        self._rows = {x.input.key: x for x in self.inputs}

    def __call__(self, case: Case, where: str = "") -> Computed:
        """The values of a case.

        Raises:
            InputError: A value that its input cannot take, or a combination without a result.
        """
        found = self._quickly(case)
        if found is None:  # a full model says what is wrong, and knows every special case
            model = fill.model(self.layout, case, where)
            return computed(model, case.texts)
        return found

    def _quickly(self, case: Case) -> Computed | None:
        values: dict[str, Values] = {}
        checks: list[Values] = [{} for _ in self.model.checks]
        try:
            for name in CASES:
                env = {key: row.values[name] for key, row in self._rows.items()}
                for key, given in case.values.get(name, {}).items():
                    env[key] = self._value(key, given)
                found = self._program(ChainMap(env, self.model.columns))
                if not all(type(v) is not float or math.isfinite(v) for v in found):
                    return None
                env.update(zip(self._keys, found, strict=False))
                for n, value in zip(self._checked, found[len(self._keys) :], strict=True):
                    checks[n][name] = value
                values[name] = env
        except (XlEconError, LookupError, ArithmeticError, ValueError, TypeError):
            return None
        values[LIVE] = values[case.selected]
        for check, held in zip(self.model.checks, checks, strict=True):
            held.update({LIVE: held[case.selected]} if check.root is not None else check.values)
        keys = {key for given in case.values.values() for key in given}
        unsaid = Origin(source="Given without a source")
        origins = {k: case.origins.get(k, unsaid) if k in keys else row.origin for k, row in self._rows.items()}
        own = [k for k in self._rows if k not in keys]
        return Computed(case.selected, values, checks, origins, own, case.texts)

    def _value(self, key: str, given: Any) -> Any:
        i = self._rows[key].input
        value = clean(key, i.kind, given)
        if i.table:
            try:
                return store.get(i.table).find(value)
            except NotAvailable:
                raise LookupError(key) from None
        return value


def computed(model: Model, texts: Mapping[str, str]) -> Computed:
    """What a full model holds, in the same form."""
    inputs = [x for x in model.inputs if isinstance(x, InputRow)]
    values = {case: dict(model.values(case)) for case in (LIVE, *CASES)}
    origins = {x.input.key: x.origin for x in inputs}
    return Computed(model.selected, values, [c.values for c in model.checks], origins, model.own, texts)
