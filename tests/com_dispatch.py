"""Every function through xlwings' real server, with whatever Excel may hand over; prints what went wrong, a line each.

A process of its own (see fake_pywin32).
"""

import random
from decimal import Decimal

from fake_pywin32 import OMITTED, FakeRange, Time, code, refused, server
from support import close, random_inputs

SERVER = server()

from xl_econ.core.errors import XlEconError  # noqa: E402  (after xlwings)
from xl_econ.hosts import udf  # noqa: E402
from xl_econ.hosts.python import function  # noqa: E402
from xl_econ.metrics import REGISTRY  # noqa: E402

MODULE = "xl_econ.hosts.udf"
FAILED = []


def said(what, ok, *details):
    if not ok:
        FAILED.append(f"{what}: {' '.join(repr(d)[:200] for d in details)}")


def cell(name, *args):
    """What the add-in's wrapper gets: one packed argument."""
    result = SERVER.CallUDF(MODULE, "CALL", ((name, *args),))
    said(f"{name}{args!r:.80}", refused(result) is None, refused(result))
    return result


def by_name(name, *args):
    """What a wrapper of xlwings' own making gets."""
    return SERVER.CallUDF(MODULE, name, args)


def expected(m, inputs):
    try:
        return function(m.name)(**inputs)
    except XlEconError as e:
        return e.cell


def com(value):
    """An input as Value2 gives it."""
    if isinstance(value, list | tuple):
        return tuple((com(v),) for v in value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def values_of(m, rows):
    """Scalars; blanks and omissions for what has a default; the same by name; a column of all the rows."""
    for inputs in rows:
        args = [com(v) for v in inputs.values()]
        want = expected(m, inputs)
        said(f"{m.name} scalars", close(cell(m.name, *args), want), args, want)
        said(f"{m.name} by name", close(by_name(m.name, *args), want), args, want)
    needed = [com(v) for n, v in rows[0].items() if not m.params[n].optional]
    if list(m.params)[: len(needed)] == [n for n, p in m.params.items() if not p.optional]:
        optional = len(m.params) - len(needed)
        want = expected(m, {n: rows[0][n] for n, p in m.params.items() if not p.optional})
        for nothing in (OMITTED, None, "", " "):
            said(f"{m.name} {nothing!r}", close(cell(m.name, *needed, *[nothing] * optional), want), needed, want)
    if not m.elements:
        return
    whole = {n: v for n, v in rows[0].items() if n not in m.elements}
    rows = [row | whole for row in rows]
    args = [com(rows[0][n]) if n in whole else tuple((com(row[n]),) for row in rows) for n in rows[0]]
    column = cell(m.name, *args)
    for row, (got,) in zip(rows, column, strict=True):
        said(f"{m.name} column", close(got, expected(m, row)), row, got)
    across = [a if n in whole else (tuple(v for (v,) in a),) for n, a in zip(rows[0], args, strict=True)]
    said(f"{m.name} row", close_all(cell(m.name, *across), [v for (v,) in column]))


def close_all(found, wanted):
    return len(found) == len(wanted) and all(close(f, w) for f, w in zip(found, wanted, strict=True))


def wrong(m, inputs):
    """Each argument in turn is what it must not be: an error value comes back, that of the argument if it has one."""
    args = [com(v) for v in inputs.values()]
    for at, p in enumerate(m.params.values()):
        name = f"{m.name}({p.name})"
        for bad, want in (
            (code("#DIV/0!"), "#DIV/0!"),
            (code("#N/A"), "#N/A"),
            (-2146826243, "#SPILL!"),
            (-2146826238, "#CALC!"),
            (True, "#VALUE!"),
            (Decimal("0.1235"), "#VALUE!"),
            (Time(2026, 1, 1), "#VALUE!"),
            (float("inf"), "#NUM!"),
            ((("x", 1.0), ("y",)), "#VALUE!"),
            ((), "#VALUE!"),
        ):
            got = cell(m.name, *args[:at], bad, *args[at + 1 :])
            loose = p.quantity.is_text or p.quantity.is_table or p.quantity.unit == "any"
            fine = isinstance(got, str) and got.startswith("#") if loose else got == want
            if p.quantity.unit == "any" and not isinstance(bad, int):
                fine = True  # a value of any kind
            said(f"{name} = {bad!r}", fine, got)
        if not p.optional:
            said(f"{name} missing", cell(m.name, *args[:at], None, *args[at + 1 :]) == "#VALUE!")
        if not (p.quantity.is_text or p.quantity.is_table or p.quantity.auto or p.quantity.unit == "any"):
            got = cell(m.name, *args[:at], "a text", *args[at + 1 :])
            said(f"{name} = text", got == "#VALUE!", got)
    said(f"{m.name} too many", cell(m.name, *args, *[1.0] * 5) == "#VALUE!")


def large(m, rows):
    """10,000 rows with an error cell and a blank among them."""
    if not m.elements:
        return
    name = next(iter(m.elements))
    examples = {n: p.example for n, p in m.params.items()}
    good = next(r for r in [*rows, examples] if str(expected(m, r))[0] != "#")
    cells = [com(good[name])] * 10_000
    cells[1234], cells[5678] = code("#REF!"), None if not m.params[name].optional else code("#NULL!")
    column = cell(m.name, *[tuple((c,) for c in cells) if n == name else com(v) for n, v in good.items()])
    want = expected(m, good)
    said(f"{m.name} large", len(column) == 10_000 and close(column[0][0], want) and close(column[9999][0], want))
    said(f"{m.name} large, errors", column[1234] == ["#REF!"] and column[5678][0] in ("#VALUE!", "#NULL!"))


def main():
    random.seed(1)
    for m in REGISTRY.values():
        rows = random_inputs(m, 20, seed=7)
        values_of(m, rows)
        wrong(m, rows[0])
        large(m, rows)
    cost = (37.0, 14.8, 989.4, 0.389, 2.0)
    said("EXPLAIN", cell("EXPLAIN", "TRAIN_COST", *cost)[-1][2] == 4742645.6514460305)
    said("EXPLAIN by name", by_name("EXPLAIN", "TRAIN_COST", *cost)[-1][2] == 4742645.6514460305)
    said("EXPLAIN of nothing", cell("EXPLAIN", "TRAIN_COTS") == "#N/A")
    cell("TRAIN_COST", *cost[:3], 41.0, 2.0)
    said("WHY", cell("WHY", 1.0) == "TRAIN_COST: mfu = 41: write 0.41 or 41%", cell("WHY", 1.0))
    said("unknown", cell("NO_SUCH_FUNCTION", 1.0) == "#NAME?")
    said("version", isinstance(cell("XL_ECON_VERSION"), str))
    # A stock wrapper hands over ranges; a currency cell in one has been rounded by COM, so it is refused.
    ranges = [FakeRange(v) for v in cost]
    said("ranges", by_name("TRAIN_COST", *ranges) == 4742645.6514460305)
    said("currency", by_name("TRAIN_COST", *ranges[:4], FakeRange(Decimal("2.0000"))) == "#VALUE!")
    declared = {name: f for name, f in vars(udf).items() if hasattr(f, "__xlfunc__")}
    said("registered", set(declared) == {*REGISTRY, "EXPLAIN", "WHY", "XL_ECON_VERSION", "CALL"}, sorted(declared))
    for name, f in declared.items():
        args = f.__xlfunc__["args"]
        said(f"{name} raw", all(a["options"].get("convert") == "raw" and a["doc"] for a in args))
    print(*FAILED[:40], sep="\n", end="")


main()
