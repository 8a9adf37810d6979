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
    found = _calculate(args)
    if args.json:
        return print_json({k: v for k, v in found.items() if k != "explained"})
    value = found["value"]
    print(f"{number(value)} {'' if found['unit'] in ('any', 'text') else found['unit']}".rstrip())
    if band := found.get("band"):
        low, high = (f"{band[end]:,.4g}" for end in ("low", "high"))
        indicative = "indicative only: " if band["indicative"] else ""
        remark(f"{indicative}{low} to {high} in nine of ten measured deployments (x or / {band['factor']:g})")
    elif found.get("indicative"):
        remark("indicative only")
    for note in found.get("notes", ()):
        remark(note)
    return 0


def explain(args: argparse.Namespace) -> int:
    """The value of a function, step by step."""
    found = _calculate(args)
    if args.json:
        return print_json({k: v for k, v in found.items() if k != "explained"})
    print_grid(
        [["step", "value", "unit", "formula or meaning"]]
        + [[s.name, s.value, s.unit, s.formula] for s in found["explained"]],
        100,
    )
    return 0


def _calculate(args: argparse.Namespace) -> dict[str, Any]:
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
    return {
        "function": m.name,
        "inputs": {s.name: s.value for s in inputs},
        "value": value,
        "unit": unit,
        **({"band": _band(m, value)} if m.band > 1 and m.measured({s.name: s.value for s in found}) else {}),
        **({"indicative": True} if m.is_indicative else {}),
        **({"notes": notes} if (notes := _notes(m, found)) else {}),
        "steps": lines,
        **({"lookups": lookups} if lookups else {}),
        "explained": found,
    }


def _notes(m: Metric, found: Sequence[Step]) -> list[str]:
    """What a number does not say by itself: that a batch was cut, where a figure comes from."""
    values = {s.name: s.value for s in found}
    notes = []
    if "batch_used" in values and values["batch_used"] < values["batch"]:
        fits, asked = f"{values['batch_used']:,.0f}", f"{values['batch']:,.0f}"
        notes.append(f"memory holds {fits} of the {asked} requests on {values['gpus_used']:.0f} accelerators")
    if m.tree.op == "lookup":
        notes.append(_origin(m, values))
    return notes


def _origin(m: Metric, inputs: Mapping[str, Any]) -> str:
    """Unit, source, date and grade of the row that a look-up found."""
    from xl_econ.core.ops import evaluate

    table, key, _ = m.tree.args
    row = table.rows[table.find(evaluate(key, inputs))]
    unit = f"{row.unit}; " if hasattr(row, "unit") else ""
    return f"{unit}as of {row.as_of}, grade {row.grade}: {row.source}"


def _band(m: Metric, value: float) -> dict[str, Any]:
    """Where measured deployments lie: nine of ten of them."""
    ends = {"low": value / m.band, "high": value * m.band}
    return {"factor": m.band, **ends, "indicative": m.is_indicative}


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


def docs(args: argparse.Namespace) -> int:
    """Write the reference pages."""
    from xl_econ.hosts import reference

    written = reference.write(args.output)
    print(f"{len(written)} pages in {args.output}")
    return 0
