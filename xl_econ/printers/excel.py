"""Excel text of an expression: a cell formula, a LET, or a LAMBDA for the Name Manager."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Expr, Unavailable, leaves, steps
from xl_econ.core.ops import LONGEST_SUM
from xl_econ.core.registry import REGISTRY, Metric

Leaf = Callable[[Any], str | None]

# How tightly Excel binds: its unary minus binds tighter than ^, and ^ is left-associative; Python has neither.
PRECEDENCE = {"=": 1, "<>": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "^": 4}
_ATOM = 9
LONGEST_FORMULA = 8192  # characters, in Excel
_NOTHING = {"#N/A": "NA()", "#NUM!": "SQRT(-1)"}

FUNCTIONS = {
    "min": "MIN({})",
    "max": "MAX({})",
    "sqrt": "SQRT({})",
    "exp": "EXP({})",
    "log": "LN({})",
    "if": "IF({})",
    # Spreadsheets snap float noise before they round; so does ops.roundup.
    "roundup": "ROUNDUP(ROUND({},9),0)",
    "rounddown": "ROUNDDOWN(ROUND({},9),0)",
    "geometric_sum": "SUMPRODUCT(({0})^{{%s}}*({{%s}}<({1})))" % ((",".join(map(str, range(LONGEST_SUM))),) * 2),
    # EXP(x)-1 loses digits near zero; dividing by the logarithm of what EXP returned restores them (Kahan).
    # Near zero two terms of the series are exact; elsewhere the division restores what 1+x lost.
    "log1p": "IF(MAX({0},-1*({0}))<1E-9,({0})-({0})^2/2,LN(1+({0}))*({0})/((1+({0}))-1))",
    "total": "SUM({0})",
    "weighted_sum": "SUMPRODUCT({0},{1},({2})+0*({1}))",
    "expm1": "IF(EXP({0})=1,{0},(EXP({0})-1)*{0}/LN(EXP({0})))",
}
# A plain formula with INDEX is shown with an @ by Excel 365, because INDEX can return a range. VLOOKUP and SUM cannot.
_LOOKUP = "VLOOKUP({key},{table}[[{first}]:[{last}]],{column},FALSE)"
_COLUMN = "COLUMNS({table}[[{first}]:[{name}]])"
_HEADER = "MATCH({name},{table}[[#Headers],[{first}]:[{last}]],0)"
_SEGMENT = "MIN(MATCH({value},{table}[{column}],1),ROWS({table}[{column}])-1)"
_AT = "SUM(INDEX({table}[{column}],{row}))"

# What Excel reads as a cell, in A1 or R1C1 style, or as a truth value, can name nothing.
_CELL_LIKE = re.compile(r"(?i)([a-z]{1,3}\d+|r\d*(c\d*)?|c\d*|true|false)")


def reads_as_cell(name: str) -> bool:
    """Whether Excel would take a name for a cell address (h100, gpu8, r, c) or a truth value."""
    return bool(_CELL_LIKE.fullmatch(name))


def literal(x: Any) -> str:
    """A number or text as it stands in a formula.

    Raises:
        TraceError: The number needs more than Excel's 15 digits.
    """
    if isinstance(x, Unavailable):
        return _NOTHING[x.cell]
    if isinstance(x, str):
        return '"' + x.replace('"', '""') + '"'
    text = f"{float(x):.15g}"
    if float(text) != float(x):
        raise TraceError(f"{x!r} needs more than Excel's 15 digits; make it an input, so that it stands in a cell")
    return text.replace("e+", "E+").replace("e-", "E-")


def show(e: Any, leaf: Leaf, binds: int = 0) -> str:
    """Text of an expression; `leaf(e)` may answer with a ready text (a cell, a name), else None."""
    ready = leaf(e)
    if ready is not None:
        return ready
    if not isinstance(e, Expr):
        return literal(e)
    text, own = _text(e, leaf)
    return f"({text})" if own < binds else text


def _text(e: Expr, leaf: Leaf) -> tuple[str, int]:
    if e.op == "neg":
        # IronCalc 0.9 drops the parentheses of -(x/y) on load, and Excel reads -x^2 as (-x)^2.
        inner = show(e.args[0], leaf, _ATOM)
        return ("-1*" + inner, PRECEDENCE["*"]) if inner.startswith("(") else ("-" + inner, 0)
    if e.op in PRECEDENCE:
        own = PRECEDENCE[e.op]
        return show(e.args[0], leaf, own) + e.op + show(e.args[1], leaf, own + 1), own
    if e.op in FUNCTIONS:
        template = FUNCTIONS[e.op]
        shown = [show(a, leaf, PRECEDENCE["*"] if "*{0}" in template else 0) for a in e.args]
        return (template.format(*shown) if "{0}" in template else template.format(",".join(shown))), _ATOM
    if e.op in _SPECIAL:
        return _SPECIAL[e.op](e, leaf), _ATOM
    raise TraceError(f"operation {e.op!r} has no Excel text; add it to xl_econ.printers.excel")


def _choose(e: Expr, leaf: Leaf) -> str:
    key, names, *options = e.args
    listed = ",".join(literal(n) for n in names)
    return f"CHOOSE(MATCH({show(key, leaf)},{{{listed}}},0),{','.join(show(o, leaf) for o in options)})"


def _lookup(e: Expr, leaf: Leaf) -> str:
    table, key, column = e.args
    names = {"table": table.sheet, "first": table.columns[0], "last": table.columns[-1]}
    if isinstance(column, Expr):
        number = _HEADER.format(name=show(column, leaf), **names)
    else:
        number = _COLUMN.format(name=column, **names)
    found = _LOOKUP.format(key=show(key, leaf), column=number, **names)
    # An empty cell would be looked up as 0: a figure that is not known must not compute.
    empty = isinstance(column, Expr) or table.is_optional(column)
    return f'IF({found}="",NA(),{found})' if empty else found


def _lookup_or(e: Expr, leaf: Leaf) -> str:
    found = show(Expr("lookup", *e.args[:-1]), leaf)
    if not found.startswith("IF("):
        return found
    # IF(x="",NA(),x): what stands in for an empty cell is the default.
    return found.replace('="",NA(),', f'="",{show(e.args[-1], leaf)},', 1)


def _segment(e: Expr, leaf: Leaf) -> str:
    table, value, column = e.args
    return _SEGMENT.format(table=table.sheet, column=column, value=show(value, leaf))


def _at(e: Expr, leaf: Leaf) -> str:
    table, row, column = e.args
    return _AT.format(table=table.sheet, column=column, row=show(row, leaf))


_SPECIAL: dict[str, Callable[[Expr, Leaf], str]] = {
    "choose": _choose,
    "lookup": _lookup,
    "lookup_or": _lookup_or,
    "segment": _segment,
    "at": _at,
}


def formula(root: Any, cells: Mapping[str, str] | None = None) -> str:
    """Text of one cell's formula, without the equals sign; `cells` gives the reference of each input.

    Raises:
        TraceError: The text would be longer than Excel allows.
    """
    refs = cells or {}

    def leaf(e: Any) -> str | None:
        return str(refs.get(e.args[0], e.args[0])) if isinstance(e, Expr) and e.op == "var" else None

    # A step that is used n times is spelt out n times: what is too long must be found before it is printed.
    text = show(root, leaf) if _size(root, {}) <= LONGEST_FORMULA else None
    if text is None or len(text) > LONGEST_FORMULA:
        raise TraceError("too long for the formula of one cell; give every step a row of its own, or take the LAMBDA")
    return text


def _size(e: Any, memo: dict[int, int]) -> int:
    """How many leaves and operations the text of an expression spells out."""
    if not isinstance(e, Expr):
        return 1
    if id(e) not in memo:
        memo[id(e)] = 1 + sum(_size(a, memo) for a in e.args)
    return memo[id(e)]


def step_names(root: Expr, taken: tuple[str, ...] = ()) -> dict[int, str]:
    """A name for every step but the result, by the id of its expression; equal names get a number.

    Raises:
        TraceError: A step's name reads as a cell address.
    """
    used = {e.args[0] for e in leaves(root) if isinstance(e, Expr)} | set(taken)
    names: dict[int, str] = {}
    for e in steps(root)[:-1]:
        base = name = str(e.name)
        number = 1
        while name in used:
            number += 1
            name = f"{base}_{number}"
        if reads_as_cell(name):
            raise TraceError(f"the step {name!r} reads as a cell address in Excel; rename it in the metric's body")
        used.add(name)
        names[id(e)] = name
    return names


def local_name(name: str) -> str:
    """A name for a LET or LAMBDA that no defined name can hide: IronCalc takes `mfu` for the function MFU."""
    return f"{name}_" if name.upper() in REGISTRY else name


def _bindings(root: Expr, cells: Mapping[str, str], prefix: str, taken: tuple[str, ...]) -> list[str]:
    """Arguments of a LET: each step's name and text, then the result's text."""
    names = {at: prefix + local_name(name) for at, name in step_names(root, taken).items()}

    def text(top: Expr) -> str:
        def leaf(e: Any) -> str | None:
            if e is not top and id(e) in names:
                return names[id(e)]
            if isinstance(e, Expr) and e.op == "var":
                return str(cells.get(e.args[0], prefix + e.args[0]))
            return None

        return show(top, leaf)

    return [f"{names[id(e)]},{text(e)}" for e in steps(root)[:-1]] + [text(root)]


def let(root: Expr, cells: Mapping[str, str] | None = None, file: bool = False) -> str:
    """Text of a LET that binds every step; with `file`, with the prefixes that the file format wants."""
    fn, par = ("_xlfn.", "_xlpm.") if file else ("", "")
    parts = _bindings(root, cells or {}, par, ())
    return f"{fn}LET({','.join(parts)})" if len(parts) > 1 else parts[0]


def lambda_(m: Metric, file: bool = False) -> str:
    """Text of a LAMBDA for the Name Manager: optional arguments, the checks of every host, the steps as a LET.

    Args:
        m: The metric.
        file: True for the file format (`_xlfn.`, `_xlpm.`, `_xlop.`), False for the formula bar.

    Raises:
        TraceError: A parameter's name reads as a cell address.
    """
    fn, par, opt = ("_xlfn.", "_xlpm.", "_xlop.") if file else ("", "", "")
    head, given, cells = [], [], {}
    for key, p in m.scalars.items():  # a LAMBDA reads the workbook's own tables
        if reads_as_cell(key):
            raise TraceError(f"{m.name}: the argument {key!r} reads as a cell address in Excel; rename it")
        name = local_name(key)
        cells[key] = par + name
        head.append(par + name)
        if p.optional:
            head[-1] = opt + name if file else f"[{name}]"
            cells[key] = f"{par}{name}_"
            default = literal(p.default)
            # A blank cell given for an optional argument means the default too, as in every host.
            blank = f'AND({par}{name}="")' if p.quantity.many else f'{par}{name}=""'
            given.append(f"{cells[key]},IF({fn}ISOMITTED({par}{name}),{default},IF({blank},{default},{par}{name}))")
    taken = tuple(c.removeprefix(par) for c in cells.values())
    parts = _bindings(m.tree, cells, par, taken)
    body = f"{fn}LET({','.join(parts)})" if len(parts) > 1 else parts[0]
    body = _guarded(m, cells, body)
    if given:
        body = f"{fn}LET({','.join(given)},{body})"
    return f"{fn}LAMBDA({','.join([*head, body])})"


def _guarded(m: Metric, cells: Mapping[str, str], body: str) -> str:
    """`body` behind the checks of the quantities: #VALUE! for a wrong type or a blank, #NUM! out of bounds.

    Written with products, not AND, so that arrays are checked element by element; an error value that comes in
    makes the product an error and so goes out.
    """
    typed, bounds = [], []
    for name, p in m.scalars.items():
        cell, q = cells[name], p.quantity
        every = "AND({})" if q.many else "{}"  # a list is taken whole, everything else element by element
        if q.many:  # IronCalc 0.9 asks ISNUMBER of a list as one value; a text or a truth is above every number
            typed.append(f'AND({cell}<>"")*AND({cell}<=9E+307)')
        else:
            typed.append(f"ISTEXT({cell})" if q.is_text else f"ISNUMBER({cell})")
        if not q.is_text and math.isfinite(q.low):
            bounds.append(every.format(f"({cell}{'>' if q.positive else '>='}{literal(q.low)})"))
        if not q.is_text and math.isfinite(q.high):
            bounds.append(every.format(f"({cell}<={literal(q.high)})"))
        if q.whole:
            bounds.append(every.format(f"({cell}=INT({cell}))"))
    types = "*".join(typed)
    texts = "&".join(f"SUM({cell})" if m.params[name].quantity.many else cell for name, cell in cells.items())
    return f'IF({"*".join(typed + bounds)},{body},IF({types},SQRT(-1),VALUE({texts}&"?")))'
