"""What a scenario computes: a function, a chain of functions or a template, over many rows of inputs at once."""

from __future__ import annotations

import ast
import math
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from xl_econ.core import units
from xl_econ.core.errors import InputError, LayoutError, UnitError, UsageError, XlEconError, nearest
from xl_econ.core.expr import Expr
from xl_econ.core.quantity import Quantity, clean, number_from_text
from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY
from xl_econ.printers.excel import step_names
from xl_econ.tables import store
from xl_econ.templates import layout
from xl_econ.templates.columns import Columns, read_by
from xl_econ.templates.language import expression, is_constant
from xl_econ.templates.model import Model
from xl_econ.templates.parts import LIVE, Line
from xl_econ.templates.program import read
from xl_econ.templates.timeline import Months

from . import arrays
from .months import Totals

Steps = Mapping[str, str]


@dataclass(frozen=True)
class Input:
    """An input of a target.

    Attributes:
        key: Its name.
        quantity: Unit and bounds.
        label: What it is called.
        default: Its value when none is given; None where one must be.
        low: The template's own value in its Low case, where that differs.
        high: The same of its High case.
        table: The reference table that its text is a key of, spelt as there.
    """

    key: str
    quantity: Quantity
    label: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    table: str = ""

    @property
    def unit(self) -> str:
        return self.quantity.unit

    @property
    def varies(self) -> bool:
        """Whether it is one number, which can be uncertain; a text or a list is not."""
        return self.unit not in ("text", "table") and not self.quantity.many

    def clean(self, value: Any) -> Any:
        """A value as the formulas take it.

        Raises:
            InputError: The input cannot take it.
            NotAvailable: No such key of its table.
        """
        if isinstance(value, str) and self.varies:
            value = number_from_text(value)
        found = clean(self.key, self.quantity, value)
        return store.get(self.table).find(found) if self.table else found


@dataclass(frozen=True)
class Output:
    """A figure that a target works out: its key, what it is called, its unit."""

    key: str
    label: str
    unit: str


@dataclass(frozen=True, eq=False)
class Target:
    """What is computed, by name; a worker makes it anew from its `key`.

    Attributes:
        key: The name and the steps that `target` makes it from.
        name: What it is called.
        inputs: Its inputs by key.
        outputs: Its figures by key; every step of the way is one.
        result: Key of the figure that it is about.
        lines: The expression of every figure; a line may read inputs and lines before it by name.
    """

    key: tuple[str, tuple[tuple[str, str], ...]]
    name: str
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    result: str
    lines: Mapping[str, Expr]
    _metric: Metric | None = None
    _totals: Totals | None = None
    _columns: Callable[[], Mapping[str, Any]] = dict

    def __reduce__(self) -> Any:
        return _again, (self.key,)

    def bound(self, given: Mapping[str, Any], where: str = "") -> dict[str, Any]:
        """A value for every input: checked ones in the place of defaults.

        Raises:
            InputError: An unknown input, one without a value, one that it cannot take.
        """
        start = f"{where}: " if where else ""
        for key in given:
            self.input(key, where)
        found = {}
        for key, i in self.inputs.items():
            value = given.get(key, i.default)
            if value is None:
                raise InputError(f"{start}{self.name} needs a value of {key} ({i.label}){nearest(key, given)}")
            try:
                found[key] = i.clean(value)
            except XlEconError as e:
                raise InputError(f"{start}{e}") from None
        return found

    def input(self, key: str, where: str = "") -> Input:
        """An input by key.

        Raises:
            InputError: There is none; names the nearest.
        """
        if key not in self.inputs:
            start = f"{where}: " if where else ""
            known = "; there are " + ", ".join(self.inputs)
            raise InputError(f"{start}{self.name} has no input {key!r}{nearest(key, self.inputs) or known}")
        return self.inputs[key]

    def output(self, key: str | None) -> Output:
        """A figure by key; the one that the target is about without one.

        Raises:
            InputError: There is none; names the nearest.
        """
        key = key or self.result
        if key not in self.outputs:
            known = "; there are " + ", ".join(self.outputs)
            raise InputError(f"{self.name} has no result {key!r}{nearest(key, self.outputs) or known}")
        return self.outputs[key]

    def needs(self, key: str) -> set[str]:
        """The inputs that a figure follows from; the others can be whatever they are."""
        is_total = self._totals is not None and key in self._totals.keys
        start = self._totals.needs([key])[1] if self._totals and is_total else {key}
        found = {*start, *(name for line in self._order(start) for name in self._reads[line])}
        return {name for name in self.inputs if name in found}

    def goal(self, value: Any, o: Output) -> float:
        """A value that a result should reach.

        Raises:
            InputError: Not a finite number.
        """
        found = number_from_text(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise InputError(f"{o.key} = {value!r}: expected a finite number to reach")
        return float(found)

    def compute(self, values: Mapping[str, Any], outputs: Iterable[str] = ()) -> dict[str, Any]:
        """The figures of many rows of inputs at once.

        Args:
            values: Inputs by key, each within its bounds: numbers and texts, or arrays of one length. One that is not
                there has its default.
            outputs: Keys of the figures; the result without any.

        Returns:
            An array of that length by key, a float where all inputs are single values; NaN where there is no finite
            result.
        """
        wanted = list(outputs) or [self.result]
        inputs = {key: values.get(key, i.default) for key, i in self.inputs.items()}
        sizes = {len(v) for v in inputs.values() if isinstance(v, np.ndarray)}
        if len(sizes) > 1:
            raise InputError(f"{self.name}: inputs of {' and '.join(map(str, sorted(sizes)))} rows do not go together")
        rows = sizes.pop() if sizes else None
        if rows is not None and self._metric is not None and wanted == [self.result]:
            found = self._at_once(inputs, rows)
            if found is not None:
                return {self.result: found}
        return self._with_care(inputs, wanted, rows)

    def _at_once(self, inputs: Mapping[str, Any], rows: int) -> Any:
        """The body of a metric over arrays; None where some row has no result."""
        assert self._metric is not None  # noqa: S101
        try:
            with arrays.raising():
                found = np.asarray(self._metric.body(**inputs), dtype=float)
        except (XlEconError, ArithmeticError, ValueError, TypeError):
            return None
        found = found if found.ndim else np.full(rows, found)
        return found if np.isfinite(found).all() else None

    def _with_care(self, inputs: Mapping[str, Any], wanted: list[str], rows: int | None) -> dict[str, Any]:
        env: dict[str, arrays.Value] = {key: arrays.given(v) for key, v in inputs.items()}
        columns = self._columns()
        env |= {name: (columns[name], False) for name in self._whole}
        totals = [key for key in wanted if self._totals is not None and key in self._totals.keys]
        _, outside = self._totals.needs(totals) if self._totals else (set(), set[str]())
        with arrays.raising():
            here = arrays.Rows(env)
            for key in self._order({*wanted, *outside} - {*totals}):
                env[key] = here.value(self.lines[key])
            if self._totals and totals:
                env |= self._totals(totals, ChainMap(env))
        return {key: arrays.of(env[key], rows) for key in wanted}

    @cached_property
    def _whole(self) -> set[str]:
        return {name for root in self.lines.values() for name in read_by(root)}

    @cached_property
    def _reads(self) -> dict[str, list[str]]:
        """What each line reads: inputs, lines, columns."""
        return {key: list(read([root])) for key, root in self.lines.items()}

    def _order(self, wanted: set[str]) -> list[str]:
        """The lines that some follow from, in their order."""
        needed: set[str] = set()
        left = [key for key in wanted if key in self.lines]
        while left:
            key = left.pop()
            if key not in needed:
                needed.add(key)
                left += [name for name in self._reads[key] if name in self.lines]
        return [key for key in self.lines if key in needed]


def target(name: str, steps: Steps | None = None) -> Target:
    """What is computed: a function or a template by name, and steps of one's own after it.

    Args:
        name: A function, in any case, or a template; with steps perhaps neither, and only what they are called.
        steps: Formulas by key, in the language of the layouts: `{"flop": "TRAIN_FLOP(params_b, tokens_t)"}`. Each may
            read inputs, what the function or template works out, and steps before it; the last one is the result.

    Raises:
        UsageError: Neither a function nor a template.
        LayoutError: A step that cannot be read.
    """
    return _again((name, tuple((steps or {}).items())))


@lru_cache(maxsize=32)
def _again(key: tuple[str, tuple[tuple[str, str], ...]]) -> Target:
    name, steps = key
    if name.strip().upper() in REGISTRY:
        found = _of_metric(REGISTRY[name.strip().upper()])
    elif name.replace("-", "_") in layout.names():
        found = _of_template(name)
    elif steps:
        found = Target(key, name, {}, {}, "", {})
    else:
        known = [*REGISTRY, *layout.names()]
        raise UsageError(f"no function and no template {name!r}{nearest(name, known)}")
    return replace(_with_steps(found, dict(steps)) if steps else found, key=key)


def _of_metric(m: Metric) -> Target:
    inputs = {
        key: Input(key, p.quantity, p.help.split(". ")[0].rstrip("."), p.default if p.optional else None)
        for key, p in m.scalars.items()
    }
    names = step_names(m.tree) | {id(m.tree): m.body.__name__}
    lines, outputs = {}, {}
    for e, unit in m.step_units():
        key = names[id(e)]
        lines[key] = e
        outputs[key] = Output(key, m.doc.summary.rstrip(".") if e is m.tree else key, unit)
    return Target(("", ()), m.name, inputs, outputs, m.body.__name__, lines, m)


class _Whole:
    """The whole columns of a template's tables, worked out anew when other tables are in use."""

    def __init__(self, spec: layout.Layout, model: Model) -> None:
        self._spec, self._model = spec, model
        self._rows: list[Any] = []
        self._columns: Mapping[str, Any] = {}

    def __call__(self) -> Mapping[str, Any]:
        rows = [layout.table(sheet).rows for sheet in self._spec.tables]
        if len(rows) != len(self._rows) or any(a is not b for a, b in zip(rows, self._rows, strict=True)):
            self._rows = rows
            self._columns = Columns(self._spec, self._model.column_trees, self._model.values(LIVE))
        return self._columns


def _of_template(name: str) -> Target:
    spec = layout.load(name)
    model = Model(spec)
    inputs = {}
    for key, row in model.input_rows.items():
        i, values = row.input, row.values
        low, high = (None if i.kind.is_text or values[c] == values["Base"] else values[c] for c in ("Low", "High"))
        inputs[key] = Input(key, i.kind, i.label, values["Base"], low, high, i.table or "")
    lines = {x.key: x for x in model.lines if isinstance(x, Line) and x.root is not None}
    labels = {r.key: r.label for r in spec.results}
    outputs = {
        key: Output(key, labels.get(key, x.label), x.unit)
        for key, x in lines.items()
        if isinstance(x.values["Base"], float) or key in spec.headline
    }
    totals = Totals(Months(model, spec.timeline)) if spec.timeline else None
    for r in spec.timeline.rows if spec.timeline else ():
        if r.total:
            outputs[r.key] = Output(r.key, labels.get(r.key, r.label), r.unit)
    whole = _Whole(spec, model)
    trees = {key: x.root for key, x in lines.items() if x.root is not None}
    return Target(("", ()), spec.name, inputs, outputs, spec.headline[0], trees, None, totals, whole)


# -- steps of one's own -----------------------------------------------------------------------------------------
def _with_steps(base: Target, steps: Mapping[str, str]) -> Target:
    inputs, lines, outputs = dict(base.inputs), dict(base.lines), dict(base.outputs)
    totals = set(base._totals.keys) if base._totals else set()
    unit_of = {key: i.unit for key, i in inputs.items()} | {key: o.unit for key, o in outputs.items()}
    for key, text in steps.items():
        where = f"step {key}"
        if not key.isidentifier() or key in inputs or key in lines or key in totals:
            taken = "there is one of that name already" if key.isidentifier() else "not a name"
            raise LayoutError(f"{where}: {taken}")
        for name, quantity in _names(text, where).items():
            if name in totals:
                raise LayoutError(f"{where}: {name} is a total of the timeline, which no step can read")
            if name in lines or name in inputs:
                continue
            if m := REGISTRY.get(name):  # an argument, as mfu, can have the name of one in small letters
                raise LayoutError(f"{where}: {name} is a function: write {m.name}({', '.join(m.params)})")
            if name in steps:
                raise LayoutError(f"{where}: reads {name}, which stands {'in' if name == key else 'after'} it")
            inputs[name] = Input(name, quantity, name)
            unit_of[name] = quantity.unit
        found = expression(text, {*inputs, *lines}, where)
        lines[key] = found.root
        named, figures = _named(text)
        try:
            unit = units.unit_of(expression(named, {*inputs, *lines, *figures}, where).root, unit_of | figures)
        except UnitError as e:
            raise UnitError(f"{where}: {e}") from None
        unit_of[key] = "any" if unit is None else units.show(unit)
        outputs[key] = Output(key, key, unit_of[key])
    name = base.name or key
    return replace(base, name=name, inputs=inputs, lines=lines, outputs=outputs, result=key, _metric=None)


def _named(text: str) -> tuple[str, dict[str, str]]:
    """A formula with names for the figures among its arguments and for those left out, and their units.

    The 3 of three years has no unit, and `GPU_TCO(gpu, power, network, site)` means as many years as the function does.
    """
    tree = ast.parse(text.strip(), mode="eval")
    unit_of: dict[str, str] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        m = REGISTRY.get(node.func.id.upper())
        for n, (key, p) in enumerate(m.params.items() if m else ()):
            if p.quantity.many or (n >= len(node.args) and not isinstance(p.default, int | float | str)):
                break
            if n >= len(node.args) or isinstance(node.args[n], ast.Constant):
                name = f"{node.func.id}_{key}"
                unit_of[name] = p.quantity.unit
                node.args[n : n + 1] = [ast.Name(name)]
    return ast.unparse(tree), unit_of


def _names(text: str, where: str) -> dict[str, Quantity]:
    """The names that a formula reads and what each is: by the arguments that they are, else by what they are called."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as e:
        raise LayoutError(f"{where}: {text!r}: {e}") from None
    found: dict[str, Quantity] = {}
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(id(node.func))
            if m := REGISTRY.get(node.func.id.upper()):
                for p, argument in zip(m.params.values(), node.args, strict=False):
                    if isinstance(argument, ast.Name):
                        found.setdefault(argument.id, p.quantity)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called and not is_constant(node.id):
            found.setdefault(node.id, _by_name().get(node.id, Quantity(unit="any")))
    return {name: q for name, q in found.items() if not is_constant(name)}


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Quantity]:
    """What an argument of each name is; the name carries the unit."""
    found: dict[str, Quantity] = {}
    for m in REGISTRY.values():
        for key, p in m.params.items():
            found.setdefault(key, p.quantity)
    return found
