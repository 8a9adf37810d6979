"""`@metric`: the one place where an economic quantity is declared, and the tracer that leaves its tree."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any, TypeVar, get_type_hints

from . import units
from .band import Band
from .errors import InputError, TraceError, UsageError, nearest
from .expr import TABLE_OPS, Expr, nodes, steps, var
from .quantity import Quantity, is_blank

REGISTRY: dict[str, Metric] = {}
_SHARED: set[CodeType] = set()
_REQUIRED = inspect.Parameter.empty
Remark = Callable[[Mapping[str, Any]], str | None]  # on a result, from inputs and steps by name; None: nothing to say


@dataclass(frozen=True)
class Param:
    """A parameter of a metric: its name, what kind of number it is, its default and its help text."""

    name: str
    quantity: Quantity
    default: Any
    help: str

    @property
    def optional(self) -> bool:
        return self.default is not _REQUIRED

    @property
    def example(self) -> Any:
        return self.default if self.optional else self.quantity.example


class Metric:
    """An economic quantity: a name, a unit, parameters and a body of plain arithmetic.

    Calling it runs the body unchecked, which is what another metric's body wants; the hosts check their inputs.
    """

    def __init__(self, body: Callable[..., Any], unit: str, result: Quantity, doc: Docstring) -> None:
        self.body, self.unit, self.result, self.doc = body, unit, result, doc
        self.band: Band | None = None
        self.remark: Remark = lambda _: None
        self.unit_by: Mapping[str, Mapping[Any, str]] = {}
        self.name = body.__name__.upper()
        self.section = body.__module__.rsplit(".", 1)[-1]
        hints = get_type_hints(body, include_extras=True)
        self.params = {
            name: Param(name, hints[name].__metadata__[0], p.default, doc.args.get(name, ""))
            for name, p in inspect.signature(body).parameters.items()
        }

    def __repr__(self) -> str:
        return f"Metric({self.name})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.body(*args, **kwargs)
        # A look-up is no step of its own: inside a where() it must only be looked up if it is needed.
        if type(result) is Expr and result.name is None and result.op != "lookup" and self.unit != "any":
            result.name = self.body.__name__
        return result

    def unit_for(self, inputs: Mapping[str, Any]) -> str:
        """The unit of the result for these inputs."""
        others = (names.get(inputs[param]) for param, names in self.unit_by.items())
        return next(filter(None, others), self.unit)

    @property
    def is_indicative(self) -> bool:
        """Whether measurements scatter so far that the result compares deployments but promises nothing."""
        return self.band is not None and self.band.is_indicative

    @property
    def signature(self) -> str:
        """`TRAIN_COST(params_b, tokens_t, ..., [goodput=1])`, as people read it."""
        shown = (f"[{p.name}={default_text(p)}]" if p.optional else p.name for p in self.params.values())
        return f"{self.name}({', '.join(shown)})"

    @cached_property
    def tree(self) -> Expr:
        """The expression tree of the body, its inputs being variables of their own names."""
        root = trace(self.body, {name: var(name) for name in self.params})
        return root if isinstance(root, Expr) else Expr("+", root, 0.0)

    @property
    def scalars(self) -> dict[str, Param]:
        """The parameters that a single cell can hold: all but a table."""
        return {name: p for name, p in self.params.items() if not p.quantity.is_table}

    @cached_property
    def tables(self) -> set[Any]:
        """The reference tables that the body reads."""
        return {e.args[0] for e in nodes(self.tree) if e.op in TABLE_OPS}

    @cached_property
    def referring(self) -> dict[str, Param]:
        """The parameters that can be a row of a reference table, or a whole one."""
        return {name: p for name, p in self.params.items() if p.quantity.table or p.quantity.is_table}

    @cached_property
    def elements(self) -> dict[str, Param]:
        """The parameters that broadcast element by element: all but a table and a list that is taken whole."""
        return {name: p for name, p in self.scalars.items() if not p.quantity.many}

    @property
    def units(self) -> dict[str, str]:
        return {name: p.quantity.unit for name, p in self.params.items()}

    def step_units(self) -> list[tuple[Expr, str]]:
        """Every step with its unit, the result last."""
        memo: dict[int, Any] = {}
        found = ((e, units.unit_of(e, self.units, memo)) for e in steps(self.tree))
        return [(e, self.unit if e is self.tree else units.show(u) if u is not None else "") for e, u in found]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name, in the order of the parameters; blanks and omissions take the default.

        Raises:
            InputError: Too many, unknown, repeated or missing arguments.
        """
        if len(args) > len(self.params):
            raise InputError(f"{self.name} takes at most {len(self.params)} arguments, got {len(args)}")
        given = dict(zip(self.params, args, strict=False))
        for name, value in kwargs.items():
            if name not in self.params:
                raise InputError(f"{self.name} has no argument {name!r}{nearest(name, self.params)}")
            if name in given:
                raise InputError(f"{self.name}: argument {name!r} given twice")
            given[name] = value
        bound = {name: given.get(name) for name in self.params}
        for name, p in self.params.items():
            if p.optional and is_blank(bound[name], p.quantity.many):
                bound[name] = p.default
        return bound


def default_text(p: Param) -> str:
    """A default as people read it: 1, auto, mid."""
    if p.quantity.is_table:
        return "shipped"
    if p.quantity.auto and p.default == 0:
        return "auto"
    return p.default if isinstance(p.default, str) else f"{p.default:g}"


@dataclass(frozen=True)
class Docstring:
    """A Google-style docstring taken apart."""

    summary: str
    description: str
    args: dict[str, str]
    sections: dict[str, str]


def parse_docstring(doc: str) -> Docstring:
    """Summary, description, help by argument, and the other sections (Returns, Raises, Source, Example)."""
    text, args, sections = [], {}, {}
    section = ""
    for line in inspect.cleandoc(doc).splitlines():
        if line.endswith(":") and line[:-1] in ("Args", "Returns", "Raises", "Source", "Example"):
            section = line[:-1]
            sections[section] = ""
        elif section and (line.startswith("    ") or not line):
            sections[section] += line[4:] + "\n"
        else:
            section = ""
            text.append(line)
    name = ""
    for line in sections.pop("Args", "").splitlines():
        if line and not line.startswith(" "):
            name, _, rest = line.partition(": ")
            args[name] = rest
        elif name and line:
            args[name] += " " + line.strip()
    summary, _, description = "\n".join(text).strip().partition("\n\n")
    stripped = {k: v.strip() for k, v in sections.items()}
    return Docstring(" ".join(summary.split()), description.strip(), args, stripped)


def metric(
    unit: str,
    band: Band | None = None,
    unit_by: Mapping[str, Mapping[Any, str]] | None = None,
    remark: Remark | None = None,
) -> Callable[[Callable[..., Any]], Metric]:
    """Declare a metric: `@metric("USD")` over a function whose parameters and result are quantity aliases.

    Args:
        unit: Unit of the result; the test of the registry proves that the body yields it.
        band: For a model of something that can be measured: how far from the result measurements lie.
        unit_by: Units of the result for values of a parameter that make it another figure.
        remark: What a result does not say by itself, by the values of its inputs and steps.

    Raises:
        TypeError: A parameter without a quantity or without help, a result whose alias has another unit.
    """

    def declare(body: Callable[..., Any]) -> Metric:
        hints = get_type_hints(body, include_extras=True)
        doc = parse_docstring(body.__doc__ or "")
        for name in inspect.signature(body).parameters:
            if not isinstance(getattr(hints.get(name), "__metadata__", [None])[0], Quantity):
                raise TypeError(f"{body.__name__}({name}): annotate it with an alias of xl_econ.core.quantities")
            if name not in doc.args:
                raise TypeError(f"{body.__name__}({name}): the docstring's Args do not explain it")
        result = getattr(hints.get("return"), "__metadata__", [None])[0]
        if not isinstance(result, Quantity) or units.parse(result.unit) != units.parse(unit):
            raise TypeError(f"{body.__name__}: the result's alias must have the declared unit {unit!r}")
        m = Metric(body, unit, result, doc)
        m.band, m.unit_by, m.remark = band, unit_by or {}, remark or m.remark
        REGISTRY[m.name] = m
        return m

    return declare


Body = TypeVar("Body", bound=Callable[..., Any])


def shared(body: Body) -> Body:
    """Declare a part of several metrics' bodies: its named locals are steps of each of them."""
    _SHARED.add(body.__code__)
    return body


def get(name: str) -> Metric:
    """The metric of that name, in any case.

    Raises:
        UsageError: No such function; names the nearest.
    """
    try:
        return REGISTRY[name.strip().upper()]
    except KeyError:
        raise UsageError(f"no function {name!r}{nearest(name, REGISTRY)}") from None


@contextmanager
def _named_locals(codes: set[CodeType]) -> Iterator[None]:
    """While open, an expression bound to a local of a metric body takes that local's name: the step's name."""

    def hook(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code in codes:
            for name, value in frame.f_locals.items():
                if type(value) is Expr and value.name is None:
                    value.name = name

    before = sys.getprofile()
    sys.setprofile(hook)
    try:
        yield
    finally:
        sys.setprofile(before)


def trace(body: Callable[..., Any], inputs: dict[str, Any]) -> Any:
    """What `body` returns for expressions: a tree whose named locals are its steps.

    Raises:
        TraceError: The body does something that a spreadsheet cannot say.
    """
    codes = {m.body.__code__ for m in REGISTRY.values()} | _SHARED | {body.__code__}
    with _named_locals(codes):
        try:
            return body(**inputs)
        except (TypeError, AttributeError) as e:
            if isinstance(e, TraceError):
                raise
            raise TraceError(f"{body.__module__}.{body.__name__}: {e}; write plain arithmetic and ops") from e
