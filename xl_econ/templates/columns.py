"""The columns that a template's table sheets work out: of the row's own figures, of inputs, of whole other columns.

In a tree `[column]` is a figure of the row itself, and `Sheet[column]` is a whole column, as Excel writes them.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any

from xl_econ.core.errors import CELL_ERRORS, LayoutError, nearest
from xl_econ.core.expr import Expr, leaves, var
from xl_econ.core.ops import evaluate
from xl_econ.core.quantity import is_blank
from xl_econ.printers import excel

from .language import Sharing, expression, mapped
from .layout import Layout, TableColumn, TableSheet, table

Trees = dict[str, Expr]  # by "Sheet[column]"


def whole(sheet: TableSheet, column: str) -> str:
    """The name of a whole column."""
    return f"{table(sheet).sheet}[{column}]"


def names(layout: Layout) -> set[str]:
    """The names of all whole columns, the tables' own and those that the sheets work out."""
    return {whole(t, c) for t in layout.tables for c in (*table(t).columns, *(x.key for x in t.columns))}


def trees(layout: Layout, keys: set[str], sharing: Sharing) -> Trees:
    """The expression of every column that is worked out.

    Args:
        layout: The template.
        keys: Its inputs and rows, which a column may read: the live case.
        sharing: Steps that a row of the calculation holds are read there.

    Raises:
        LayoutError: A formula outside the language, or a need that the row has not.
    """
    found: Trees = {}
    known = keys | names(layout)
    for sheet in layout.tables:
        own = set(table(sheet).columns)
        for column in sheet.columns:
            where = f"{sheet.name}.{column.key}"
            for need in column.needs:
                if need not in own:
                    raise LayoutError(f"{where}: needs {need!r}, which is no column before it{nearest(need, own)}")
            root = expression(column.formula, known | own, where).root
            root = mapped(root, lambda e, own=own: var(f"[{e.args[0]}]") if _is_own(e, own) else None)  # type: ignore[misc]
            found[whole(sheet, column.key)] = sharing.rewrite(root)
            own.add(column.key)
    return found


def _is_own(e: Expr, own: set[str]) -> bool:
    return e.op == "var" and e.args[0] in own


def read_by(root: Expr) -> set[str]:
    """The whole columns that an expression reads."""
    return {n for n in _vars(root) if "[" in n and not n.startswith("[")}


def _vars(root: Expr) -> Iterator[str]:
    return (e.args[0] for e in leaves(root) if isinstance(e, Expr))


def reads_inputs(name: str, found: Trees) -> bool:
    """Whether a whole column depends on the live case."""
    if name not in found:
        return False
    sheet = name.partition("[")[0]
    read = list(_vars(found[name]))
    others = [sheet + n if n.startswith("[") else n for n in read if "[" in n]
    return any("[" not in n for n in read) or any(reads_inputs(n, found) for n in others)


def same_in_every_case(root: Expr, found: Trees, where: str) -> None:
    """Refuse what has a value in every case and reads a column that has the live one's only.

    Raises:
        LayoutError: Names the column.
    """
    for name in read_by(root):
        if reads_inputs(name, found):
            raise LayoutError(f"{where}: {name} follows the live case, and this has a value in each")


def follow_case(layout: Layout) -> bool:
    """Whether a case decides what stands on a table's sheet."""
    keys = {*layout.by_key, *(r.key for block in layout.calculation for r in block.rows)}
    for sheet in layout.tables:
        own = {*table(sheet).columns, *(c.key for c in sheet.columns)}
        for column in sheet.columns:
            nodes = list(ast.walk(ast.parse(column.formula, mode="eval")))
            called = {id(n.func) for n in nodes if isinstance(n, ast.Call)}
            if {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called} & keys - own:
                return True
    return False


class Columns(dict[str, Any]):
    """The values of whole columns by name, worked out when one is asked for, and with them those of the live case.

    Args:
        layout: The template.
        found: The expressions of its columns.
        live: Values of the live case; what is not there yet is read later.
    """

    def __init__(self, layout: Layout, found: Trees, live: Mapping[str, Any]) -> None:
        super().__init__()
        self._sheets = {table(t).sheet: t for t in layout.tables}
        self._trees, self._live = found, live

    def __missing__(self, name: str) -> Any:
        sheet, bracket, column = name.removesuffix("]").partition("[")
        if not bracket or sheet not in self._sheets:
            return self._live[name]
        at = self._sheets[sheet]
        if name in self._trees:
            spec = next(c for c in at.columns if c.key == column)
            self[name] = tuple(self._worked(spec, self._trees[name], row) for row in self._rows(at, spec))
        else:
            self[name] = tuple(table(at).values(column))
        return self[name]

    def _rows(self, sheet: TableSheet, column: TableColumn) -> Iterator[dict[str, Any]]:
        """Every row with the figures that it has of its own, and those worked out before the column."""
        before = [c.key for c in sheet.columns[: sheet.columns.index(column)]]
        worked = {key: self[whole(sheet, key)] for key in before}
        for n, row in enumerate(table(sheet).rows.values()):
            own = row.model_dump() | {key: values[n] for key, values in worked.items()}
            yield {f"[{key}]": value for key, value in own.items()}

    def _worked(self, column: TableColumn, root: Expr, row: dict[str, Any]) -> Any:
        if any(is_blank(row[f"[{need}]"]) for need in column.needs):
            return ""
        value = evaluate(root, ChainMap(row, self))
        return "" if value in CELL_ERRORS else value


def formula(sheet: TableSheet, column: TableColumn, root: Expr, refs: Mapping[str, str]) -> str:
    """The formula of a worked-out column; empty where the row lacks what it needs."""
    t = table(sheet)
    own = {f"[{c}]": f"{t.sheet}[[#This Row],[{c}]]" for c in (*t.columns, *(x.key for x in sheet.columns))}
    text = excel.formula(root, {**refs, **own})
    if not column.needs:
        return f"={text}"
    # COUNT counts numbers: a figure that could not be worked out is an empty text.
    texts = [c for c in column.needs if c in t.columns and t.unit(c) == "text"]
    numbers = [c for c in column.needs if c not in texts]
    counts = [f"{f}({','.join(own[f'[{c}]'] for c in cs)})" for f, cs in (("COUNT", numbers), ("COUNTA", texts)) if cs]
    return f'=IF({"+".join(counts)}={len(column.needs)},{text},"")'
