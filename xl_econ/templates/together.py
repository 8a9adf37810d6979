"""Cases that share one workbook: a column each, the selector picks the live one, and a sheet sets them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xl_econ.core.errors import InputError
from xl_econ.core.provenance import UNSOURCED

from .compute import Calculator
from .fill import TEXTS, Case
from .layout import Input, Layout, Origin
from .parts import LIVE

_LONGEST_NAME, _LONGEST_SOURCE = 100, 1000
_WILD = "*?~"  # a look-up by name takes them for any characters


def together(cases: Sequence[Case], layout: Layout, name: str) -> Case:
    """One case file's cases as the columns of one workbook.

    Args:
        cases: Those of the rows of a CSV file; or one that has named cases already.
        layout: The template.
        name: What to call them all.

    Raises:
        InputError: A value that its input cannot take, a name that cannot be a column's, rows that contradict each
            other; says where.
    """
    if len(cases) == 1 and cases[0].cases != Case("").cases:
        [one] = cases
        _check_names([(case, one.where) for case in one.cases])
        return one
    calculator = Calculator(layout)
    for case in cases:
        for key, value in case.values["Base"].items():
            for other in ("Low", "High"):
                if case.values[other].get(key) != value:
                    raise InputError(_only_one(case, f"{other}.{key}"))
        extra = [f"{o}.{k}" for o in ("Low", "High") for k in case.values[o] if k not in case.values["Base"]]
        if extra:
            raise InputError(_only_one(case, extra[0]))
        calculator(Case(case.name, values=case.values), f"{case.where} ({case.name})")
    _check_names([(case.name, case.where) for case in cases])
    values = {case.name: case.values["Base"] for case in cases}
    texts = {key: text for key in TEXTS if (text := _agreed(cases, key, [c.texts.get(key, "") for c in cases]))}
    live = _agreed(cases, "case", [c.selected if c.chosen else "" for c in cases])
    keys = [key for key in layout.by_key if any(key in case.values["Base"] for case in cases)]
    origins = {key: _origin(layout.by_key[key], cases) for key in keys}
    names = tuple(values)
    return Case(name, live or names[0], values, texts, origins, bool(live), names)


def _only_one(case: Case, key: str) -> str:
    return f"{case.where} ({case.name}): {key}: in one workbook a row is one case; make it a row of its own"


def _check_names(names: Sequence[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, where in names:
        folded = name.casefold()
        if folded in seen:
            raise InputError(f"{where}: a case is called {name!r} already ({seen[folded]}); names must differ")
        seen[folded] = where
        reason = (
            f"longer than {_LONGEST_NAME} characters"
            if len(name) > _LONGEST_NAME
            else f"holds one of {' '.join(_WILD)}"
            if set(name) & set(_WILD)
            else "is what the chosen case is called"
            if folded == LIVE.casefold()
            else "is what a column beside the cases is called"
            if folded in (*Origin.model_fields, "key")
            else "holds a control character"
            if not name.isprintable()
            else "begins or ends with a blank"
            if name != name.strip()
            else ""
        )
        if reason:
            raise InputError(f"{where}: the case name {name[:_LONGEST_NAME]!r} {reason}; it heads a column")


def _agreed(cases: Sequence[Case], key: str, said: Sequence[str]) -> str:
    """What the rows that say something all say."""
    given = [(text, case) for text, case in zip(said, cases, strict=True) if text]
    for text, case in given:
        if text != given[0][0]:
            first = f"{given[0][1].where} says {given[0][0]!r}"
            raise InputError(f"{case.where} ({case.name}): {key} = {text!r}, but {first}; one workbook has one")
    return given[0][0] if given else ""


def _origin(i: Input, cases: Sequence[Case]) -> Origin:
    """Where the values of an input come from: what all cases say, or each by its name; the lowest grade of them."""
    own = Origin(source=f"the template's own: {i.source}", as_of=i.as_of, grade=i.grade)
    unsaid = Origin(source=UNSOURCED)
    by_case = [(c.name, c.origins.get(i.key, unsaid) if i.key in c.values["Base"] else own) for c in cases]
    distinct = list(dict.fromkeys(origin for _, origin in by_case))
    if len(distinct) == 1:
        return distinct[0]
    names = {origin: [name for name, o in by_case if o == origin] for origin in distinct}
    source = "; ".join(f"{', '.join(named)}: {origin.source}" for origin, named in names.items())
    if len(source) > _LONGEST_SOURCE:
        source = f"{len(distinct)} sources, see the case file: {source}"[: _LONGEST_SOURCE - 3] + "..."
    dates = sorted(o.as_of for o in distinct if o.as_of)
    return Origin(source=source, as_of=dates[0] if dates else "", grade=max(o.grade for o in distinct))


def rows(case: Case, columns: Mapping[str, Any]) -> list[list[Any]]:
    """A workbook's cases as the rows of a CSV file, under their header.

    Args:
        case: Its cases.
        columns: What every row repeats: the template, the live case, texts, sources.
    """
    keys = list(case.values[case.cases[0]])
    header = ["name", *columns, *keys]
    return [header, *([name, *columns.values(), *(case.values[name][k] for k in keys)] for name in case.cases)]
