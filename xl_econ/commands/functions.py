"""The commands about functions: `list`, `show`, `calc`, `explain`, and `docs`, their reference pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import InputError, UsageError, nearest

from .printing import number, print_grid, print_json, remark

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from xl_econ.core.registry import Metric
    from xl_econ.hosts.explain import Step


def list_(args: argparse.Namespace) -> int:
    """The functions by section, with unit and summary."""
    from xl_econ.metrics import REGISTRY

    if args.json:
        return print_json(
            [
                {"function": m.name, "section": m.section, "unit": m.unit, "summary": m.doc.summary}
                for m in REGISTRY.values()
            ]
        )
    print_grid([[m.name, m.unit, m.doc.summary] for m in sorted(REGISTRY.values(), key=lambda m: m.section)], 90)
    return 0


def show(args: argparse.Namespace) -> int:
    """A function with its arguments, definition, source and LAMBDA; or the inputs of a template."""
    from xl_econ.core.expr import steps
    from xl_econ.core.registry import default_text
    from xl_econ.metrics import get
    from xl_econ.printers import markdown
    from xl_econ.printers.excel import lambda_
    from xl_econ.templates.layout import names

    templates = names()
    if args.name in templates:
        return _show_template(args)
    try:
        m = get(args.name)
    except UsageError as e:
        raise UsageError(f"{e}{nearest(args.name, templates)} (xl-econ list names them)") from None
    definition = {str(e.name) if e is not m.tree else m.name: markdown.text(e, top=e) for e in steps(m.tree)}
    if args.json:
        return print_json(
            {
                "function": m.name,
                "signature": m.signature,
                "unit": m.unit,
                "summary": m.doc.summary,
                "arguments": [
                    {
                        "name": p.name,
                        "unit": p.quantity.unit,
                        "default": default_text(p) if p.optional else None,
                        "help": p.help,
                    }
                    for p in m.params.values()
                ],
                "definition": definition,
                "lambda": "=" + lambda_(m),
                "source": m.doc.sections.get("Source", ""),
            }
        )
    print(f"{m.signature}  gives {m.unit}\n\n{m.doc.summary}\n\n{m.doc.description}".rstrip() + "\n")
    print_grid([[p.name, p.quantity.unit, p.quantity.range, p.help] for p in m.params.values()], 100)
    print()
    print_grid([[name, "=", text] for name, text in definition.items()], 110)
    print(f"\nSource: {m.doc.sections.get('Source', '')}\n\nLAMBDA for the Name Manager (Excel 365):\n={lambda_(m)}")
    return 0


def _show_template(args: argparse.Namespace) -> int:
    from xl_econ.templates import layout

    found = layout.load(args.name)
    rows = [
        [i.key, i.kind.unit, i.kind.range, *(str(i.value(c)) for c in layout.CASES), i.label]
        for g in found.inputs
        for i in g.inputs
    ]
    if args.json:
        keys = ("key", "unit", "allowed", *layout.CASES, "label")
        return print_json({"template": found.name, "inputs": [dict(zip(keys, r, strict=True)) for r in rows]})
    print(f"{found.title}: {found.about}\n")
    print_grid([["input", "unit", "allowed", *layout.CASES, "label"], *rows], 60)
    return 0


def calc(args: argparse.Namespace) -> int:
    """The value of a function."""
    m, _, found = _calculate(args)
    if args.json:
        return print_json(found)
    value = found["value"]
    print(f"{number(value)} {'' if found['unit'] in ('any', 'text') else found['unit']}".rstrip())
    if m.band and (band := found.get("band")):
        remark(_band_text(band, m.band.domain))
    for note in found.get("notes", ()):
        remark(note)
    return 0


def explain(args: argparse.Namespace) -> int:
    """The value of a function, step by step."""
    _, lines, found = _calculate(args)
    if args.json:
        return print_json(found)
    print_grid(
        [["step", "value", "unit", "formula or meaning"]] + [[s.name, s.value, s.unit, s.formula] for s in lines],
        100,
    )
    return 0


def _calculate(args: argparse.Namespace) -> tuple[Metric, list[Step], dict[str, Any]]:
    """The function, the lines of its explanation, and what --json prints of both."""
    from xl_econ.hosts.explain import explain
    from xl_econ.metrics import get

    m = get(args.name)
    positional, named = _arguments(args.arguments)
    bound = m.bind(tuple(positional), named)
    given = {k: v for k, v in bound.items() if k in named or k in list(m.params)[: len(positional)]}
    found = explain(m, given)
    inputs = [s for s in found if s.kind in ("input", "default")]
    lines, lookups = (
        [{"name": s.name, "formula": s.formula, "value": s.value, "unit": s.unit} for s in found if s.kind in kinds]
        for kinds in (("step", "result"), ("lookup",))
    )
    value, unit = found[-1].value, found[-1].unit
    values = {s.name: s.value for s in found}
    shown = {
        "function": m.name,
        "inputs": {s.name: s.value for s in inputs},
        "value": value,
        "unit": unit,
        **({"band": band} if (band := m.band and m.band.around(value, values)) else {}),
        **({"indicative": True} if m.is_indicative else {}),
        **({"notes": notes} if (notes := _notes(m, values)) else {}),
        "steps": lines,
        **({"lookups": lookups} if lookups else {}),
    }
    return m, found, shown


def _notes(m: Metric, values: Mapping[str, Any]) -> list[str]:
    """What a number does not say by itself: what its metric remarks, and where a figure that was looked up is from."""
    origin = _origin(m, values) if m.tree.op == "lookup" else None
    return [note for note in (m.remark(values), origin) if note]


def _origin(m: Metric, inputs: Mapping[str, Any]) -> str:
    """Unit, source, date and grade of the row that a look-up found."""
    from xl_econ.core.ops import evaluate

    table, key, _ = m.tree.args
    row = table.rows[table.find(evaluate(key, inputs))]
    unit = f"{row.unit}; " if hasattr(row, "unit") else ""
    return f"{unit}as of {row.as_of}, grade {row.grade}: {row.source}"


def _band_text(band: Mapping[str, Any], domain: str) -> str:
    """The band in words, and whether it was measured for such a deployment."""
    ends = f"{band['low']:,.4g} to {band['high']:,.4g}"
    text = f"{'indicative only: ' if band['indicative'] else ''}{ends}"
    factor = f"(x or / {band['factor']:g})"
    if band["measured"]:
        return f"{text} in nine of ten measured deployments {factor}"
    return f"{text} {factor}, not measured for this: the measurements are {domain}"


def _arguments(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    from xl_econ.core.quantity import number_from_text

    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            if named:
                raise UsageError(f"{word!r} stands after a named argument; name it too")
            positional.append(number_from_text(word))
        elif key in named:
            raise InputError(f"argument {key!r} given twice")
        else:
            named[key] = number_from_text(text)
    return positional, named


def pages() -> dict[str, str]:
    """Text of every generated page by its path under docs/."""
    from xl_econ.audit import reference as checks
    from xl_econ.hosts import reference

    return reference.pages() | {"checks.md": reference.NOTE + checks.page()}


def docs(args: argparse.Namespace) -> int:
    """Write the reference pages."""
    from xl_econ.hosts import reference

    written = reference.write(args.output, pages())
    print(f"{len(written)} pages in {args.output}")
    return 0
