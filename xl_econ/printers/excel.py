"""Excel text of an expression: a cell formula, a LET, or a LAMBDA for the Name Manager."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Const, Expr, Unavailable, leaves, nodes, steps
from xl_econ.core.ops import LONGEST_SUM
from xl_econ.core.registry import REGISTRY, Metric, Param

Leaf = Callable[[Any], str | None]

# How tightly Excel binds: its unary minus binds tighter than ^, and ^ is left-associative; Python has neither.
PRECEDENCE = {"=": 1, "<>": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "^": 4}
_ATOM = 9
_BETWEEN = {"join": '&"|"&', "concat": "&"}
_CONCATENATION = 0  # & binds tighter than a comparison, but brackets do no harm
LONGEST_FORMULA = 8192  # characters, in Excel
MANY_FIGURES = 8  # look-ups of a formula from which on local LAMBDAs pay
_NOTHING = {"#N/A": "NA()", "#NUM!": "SQRT(-1)"}

FUNCTIONS = {
    "min": "MIN({})",
    "max": "MAX({})",
    "sqrt": "SQRT({})",
    "exp": "EXP({})",
    "log": "LN({})",
    "log2": "LOG({},2)",
    "if": "IF({})",
    # Spreadsheets snap float noise before they round; so does ops.roundup.
    "roundup": "ROUNDUP(ROUND({},9),0)",
    "rounddown": "ROUNDDOWN(ROUND({},9),0)",
    "snapped": "ROUND({},9)",
    "geometric_sum": "SUMPRODUCT(({0})^{{%s}}*({{%s}}<({1})))" % ((",".join(map(str, range(LONGEST_SUM))),) * 2),
    # EXP(x)-1 loses digits near zero; dividing by the logarithm of what EXP returned restores them (Kahan).
    # Near zero three terms of the series are exact; elsewhere the division restores what 1+x lost.
    "log1p": "IF(({0})^2<1E-12,({0})-({0})^2/2+({0})^3/3,LN(1+({0}))*({0})/((1+({0}))-1))",
    "total": "SUM({0})",
    "weighted_sum": "SUMPRODUCT({0},{1},({2})+0*({1}))",
    "expm1": "IF(EXP({0})=1,{0},(EXP({0})-1)*{0}/LN(EXP({0})))",
}
# MIN, MAX and SUMPRODUCT fold an array that a LAMBDA is given into one number; these go element by element. The sum of
# q^0 to q^(n-1) is there a closed form that keeps its digits near q = 1: a series, and else expm1(n ln q) / (q-1).
_ELEMENTWISE = {
    "min": ("lesser", "IF({0}<{1},{0},{1})"),
    "max": ("greater", "IF({0}>{1},{0},{1})"),
    "geometric_sum": (
        "sum_of_terms",
        "{let}({z},{1}*LN({0}),IF(({0}-1)^2<1E-12,{1}*(1+({1}-1)/2*({0}-1)*(1+({1}-2)/3*({0}-1))),"
        "(EXP({z})-1)*{z}/LN(EXP({z}))/({0}-1)))",
    ),
}
_LOCAL = ("a", "b", "z", "field", "typed", *(name for name, _ in _ELEMENTWISE.values()))  # taken from the steps
# A plain formula with INDEX is shown with an @ by Excel 365, because INDEX can return a range. VLOOKUP and SUM cannot.
_LOOKUP = "VLOOKUP({key},{table}[[{first}]:[{last}]],{column},FALSE)"
_COLUMN = "COLUMNS({table}[[{first}]:[{name}]])"
_HEADER = "MATCH({name},{table}[[#Headers],[{first}]:[{last}]],0)"
_MATCH = "MATCH({value},{table}[{column}],1)"
_LAST_SEGMENT = "ROWS({table}[{column}])-1"
_SEGMENT = f"MIN({_MATCH},{_LAST_SEGMENT})"
_INDEX = "INDEX({table}[{column}],{row})"
_AT = f"SUM({_INDEX})"

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
    # 1E9 is shorter than 1000000000, and a formula has a longest text.
    zeros = len(text) - len(text.rstrip("0"))
    if zeros > 4 and "." not in text and "e" not in text:
        text = f"{text[:-zeros]}e{zeros}"
    return text.replace("e", "E")


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
        second = e.args[1]
        if e.op in "*/" and isinstance(second, Const) and float(second) == 1.0 and leaf(second) is None:
            return show(e.args[0], leaf, own), own  # a constant of 1 is there for its unit
        return show(e.args[0], leaf, own) + e.op + show(e.args[1], leaf, own + 1), own
    if e.op in FUNCTIONS:
        template = FUNCTIONS[e.op]
        shown = [show(a, leaf, PRECEDENCE["*"] if "*{0}" in template else 0) for a in e.args]
        return (template.format(*shown) if "{0}" in template else template.format(",".join(shown))), _ATOM
    if e.op in _BETWEEN:
        return _BETWEEN[e.op].join(show(a, leaf, _ATOM) for a in e.args), _CONCATENATION
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


# A month ends on day 0 of the next, a year on day 0 of the next year's first month. A date that a person typed may be
# a number already.
_DAY = (
    'IF(ISNUMBER({0}),{0},IF(MID({0},9,2)<>"",DATE(LEFT({0},4),MID({0},6,2),MID({0},9,2)),'
    'IF(MID({0},6,2)<>"",DATE(LEFT({0},4),MID({0},6,2)+1,0),DATE(LEFT({0},4)+1,1,0))))'
)


def _where(text: str) -> Callable[[Expr, Leaf], str]:
    """A function of cells whose arguments are columns and the values that they must have."""
    return lambda e, leaf: text.format(",".join(show(a, leaf) for a in e.args))


def _extreme(text: str) -> Callable[[Expr, Leaf], str]:
    """The extreme of a column in the rows that match; MAXIFS and MINIFS would want Excel 2019."""

    def shown(e: Expr, leaf: Leaf) -> str:
        values, *pairs = (show(a, leaf, PRECEDENCE["="] + 1) for a in e.args)
        match = "*".join(f"({column}={wanted})" for column, wanted in zip(pairs[::2], pairs[1::2], strict=True))
        return text.format(values=values, match=match)

    return shown


def _beyond(sign: str) -> Callable[[Expr, Leaf], str]:
    return lambda e, leaf: f'COUNTIF({show(e.args[0], leaf)},"{sign}"&{show(e.args[1], leaf, _ATOM)})'


_SPECIAL: dict[str, Callable[[Expr, Leaf], str]] = {
    "day_of": lambda e, leaf: _DAY.format(show(e.args[0], leaf)),
    "rows_where": _where("COUNTIFS({})"),
    "mean_where": _where('IFERROR(AVERAGEIFS({}),"")'),
    "highest_where": _extreme("SUMPRODUCT(MAX({match}*{values}))"),
    # A row that does not match is lifted above all that do.
    "lowest_where": _extreme("SUMPRODUCT(MIN({values}+(1-{match})*MAX({values})))"),
    "highest_of": _where("MAX({})"),
    "rows_above": _beyond(">"),
    "rows_below": _beyond("<"),
    "choose": _choose,
    "lookup": _lookup,
    "lookup_or": _lookup_or,
    "segment": _segment,
    "at": _at,
}


def formula(root: Any, cells: Mapping[str, str] | None = None) -> str:
    """Text of one cell's formula, without the equals sign; `cells` gives the reference of each input and constant.

    Raises:
        TraceError: The text would be longer than Excel allows.
    """
    refs = cells or {}

    def leaf(e: Any) -> str | None:
        if isinstance(e, Const):
            return refs.get(e.name)
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
    uses = Counter(id(a) for e in nodes(root) for a in e.args)
    # A figure that is read once stands where it is used; every other step gets a name.
    shown = {id(e) for e in steps(root)[:-1] if e.op not in ("lookup", "lookup_or") or uses[id(e)] > 1}
    named = step_names(root, (*taken, *_LOCAL))
    names = {at: prefix + local_name(name) for at, name in named.items() if at in shown}
    readers = _readers(root, prefix)

    def leaf(e: Any) -> str | None:
        if not isinstance(e, Expr):
            return None
        if e.op == "var":
            return str(cells.get(e.args[0], prefix + e.args[0]))
        if e.op in _ELEMENTWISE:
            return f"{prefix}{_ELEMENTWISE[e.op][0]}({','.join(show(a, inner) for a in e.args)})"
        if e.op == "segment":
            table, value, column = e.args
            at = _MATCH.format(table=table.sheet, column=column, value=show(value, inner))
            return f"{prefix}lesser({at},{_LAST_SEGMENT.format(table=table.sheet, column=column)})"
        if e.op == "at":
            return _INDEX.format(table=e.args[0].sheet, column=e.args[2], row=show(e.args[1], inner))
        return _read(e, readers, inner) if e.op in ("lookup", "lookup_or") else None

    def inner(e: Any) -> str | None:
        return names.get(id(e)) or leaf(e)

    def text(top: Expr) -> str:
        return show(top, lambda e: leaf(e) if e is top else inner(e))

    bound = [_reader(name, table, show(key, inner), prefix) for name, table, key in readers.values()]
    ops = {e.op for e in nodes(root)}
    ops |= {"min"} if "segment" in ops else set()
    bound += [_elementwise(op, prefix) for op in _ELEMENTWISE if op in ops]
    return bound + [f"{names[id(e)]},{text(e)}" for e in steps(root)[:-1] if id(e) in names] + [text(root)]


def _elementwise(op: str, prefix: str) -> str:
    """A local LAMBDA that does for arrays, element by element, what a function of cells folds into one number."""
    name, text = _ELEMENTWISE[op]
    a, b = f"{prefix}a", f"{prefix}b"
    fn = "_xlfn." if prefix else ""
    return f"{prefix}{name},{fn}LAMBDA({a},{b},{text.format(a, b, let=f'{fn}LET', z=f'{prefix}z')})"


Readers = dict[tuple[str, str], tuple[str, Any, Any]]


def _readers(root: Expr, prefix: str) -> Readers:
    """The rows of which a tree reads many figures: a name for a local LAMBDA, the table, the key.

    Spelt out, the look-ups of a whole model would be longer than Excel allows.
    """
    found = [e for e in nodes(root) if e.op in ("lookup", "lookup_or") and isinstance(e.args[2], str)]
    counts = Counter((e.args[0].name, str(e.args[1])) for e in found)
    if sum(counts.values()) < MANY_FIGURES:
        return {}
    # Named for the key, or for the table where a key is looked up in several.
    tables = Counter(key for _, key in counts)
    return {
        at: (prefix + "of_" + str(key.name if isinstance(key, Expr) and tables[at[1]] == 1 else table.name), table, key)
        for table, key, _ in (e.args[:3] for e in found)
        if counts[at := (table.name, str(key))] > 1
    }


def _reader(name: str, table: Any, key: str, prefix: str) -> str:
    """A local LAMBDA that reads a figure of one row by its column's name."""
    fn, column = ("_xlfn." if prefix else ""), f"{prefix}field"
    names = {"table": table.sheet, "first": table.columns[0], "last": table.columns[-1]}
    return (
        f"{name},{fn}LAMBDA({column},{_LOOKUP.format(key=key, column=_HEADER.format(name=column, **names), **names)})"
    )


def _read(e: Expr, readers: Readers, leaf: Leaf) -> str | None:
    """A look-up as a call of the row's local LAMBDA, if it has one."""
    table, key, column, *default = e.args
    if (table.name, str(key)) not in readers or isinstance(column, Expr):
        return None
    found = f"{readers[table.name, str(key)][0]}({literal(column)})"
    if not table.is_optional(column):
        return found
    return f'IF({found}="",{show(default[0], leaf) if default else "NA()"},{found})'


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
    body = _guarded(m, cells, body, par)
    if given:
        body = f"{fn}LET({','.join(given)},{body})"
    return f"{fn}LAMBDA({','.join([*head, body])})"


def _is_bounded(p: Param) -> bool:
    return math.isfinite(p.quantity.low) or math.isfinite(p.quantity.high)


def _guarded(m: Metric, cells: Mapping[str, str], body: str, prefix: str) -> str:
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
    types = f"{prefix}typed"
    # An error value in a number has made the product of the bounds an error; one in a text must still go out.
    loose = [c for name, c in cells.items() if m.params[name].quantity.is_text or not _is_bounded(m.params[name])]
    texts = "&".join([*loose, '"?"'])
    checked = f"IF({'*'.join([types, *bounds])},{body},IF({types},SQRT(-1),VALUE({texts})))"
    return f"{'_xlfn.' if prefix else ''}LET({types},{'*'.join(typed)},{checked})"
