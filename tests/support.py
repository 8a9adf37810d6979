"""Workbooks that tests write to have formulas computed by another engine, and random inputs by construction."""

import math
import random
from dataclasses import replace

import xlsxwriter

from xl_econ.hosts.names import names
from xl_econ.tables.store import TABLES
from xl_econ.workbook.recalc import recalculate

ERRORS = ("#N/A", "#NUM!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?")


class Sheet:
    """A workbook with the reference tables and the named functions, and a sheet "T" that takes formulas downwards."""

    def __init__(self, path, lambdas=True):
        self.path = path
        self.workbook = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
        self.sheet = self.workbook.add_worksheet("T")
        self.row = 0
        tables = self.workbook.add_worksheet("Tables")
        column = 0
        for table in TABLES.values():
            rows = [[getattr(r, c) for c in table.columns] for r in table.rows.values()]
            tables.add_table(
                0,
                column,
                len(rows),
                column + len(table.columns) - 1,
                {"name": table.sheet, "columns": [{"header": c} for c in table.columns], "data": rows},
            )
            column += len(table.columns) + 1
        if lambdas:
            for name in names():
                self.workbook.define_name(name.name, name.file_formula)

    def value(self, value):
        """Write a value; answers with its cell."""
        cell = f"A{self.row + 1}"
        if isinstance(value, str):
            self.sheet.write_string(cell, value)
        elif value is None:
            self.sheet.write_blank(cell, None)
        else:
            self.sheet.write_number(cell, value)
        self.row += 1
        return cell

    def reference(self, value):
        """Write a value, or a list of them downwards; answers with its absolute cell or range."""
        first, *rest = [self.value(v)[1:] for v in (value if isinstance(value, list | tuple) else [value])]
        return f"$A${first}:$A${rest[-1]}" if rest else f"$A${first}"

    def formula(self, text, dynamic=False):
        """Write a formula; answers with its cell."""
        cell = f"A{self.row + 1}"
        write = self.sheet.write_dynamic_array_formula if dynamic else self.sheet.write_formula
        write(cell, f"={text}")
        self.row += 1
        return cell

    def compute(self, engine="ironcalc"):
        """Values of the formulas by cell."""
        self.workbook.close()
        return {cell: value for (sheet, cell), value in recalculate(self.path, engine).items() if sheet == "T"}


def close(a, b, tolerance=1e-12):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-15 if 0 in (a, b) else 0)


# A money amount ten times another's is another case: its neighbours in a row would not go with it.
SPREAD = {"USD": 3, "USD/month": 2}


def random_value(m, p, rng, length=3):
    """A value that the parameter may take, near its example; for a list, so many of them."""
    q = p.quantity
    if q.many:
        found = [random_number(replace(q, many=False), x, rng) for x in rng.choices(q.example, k=length)]
        return tuple(x / sum(found) for x in found) if q.unit == "share" else tuple(found)  # shares of a whole
    if q.choices:
        return rng.choice(q.choices)
    if q.table:
        return rng.choice(list(TABLES[q.table].rows))
    if q.is_text:
        table = next(iter(m.tables))
        first = next(iter(m.params)) == p.name
        return rng.choice(list(table.rows) if first else table.columns)
    if q.auto and rng.random() < 0.3:
        return 0.0
    return random_number(q, p.example or q.example, rng)


def random_number(q, example, rng):
    if q.whole:
        return float(rng.randint(max(int(q.low), math.ceil(example / 3)), int(min(q.high, example * 2))))
    if q.unit in ("share", "ratio"):
        high = min(q.high, q.typical[1], 1.0)
        return rng.uniform(min(0.01, high / 10), high)
    spread = SPREAD.get(q.unit, 10)
    low, high = max(q.low, example / spread), min(q.high, example * spread)
    return math.exp(rng.uniform(math.log(max(low, 1e-12)), math.log(high)))


def of_one_row(m, rng):
    """Texts for the parameters that are called like columns of the metric's table, from one of its rows."""
    named = [p for p in m.scalars.values() if p.quantity.choices and set(p.quantity.choices) <= set(TABLES)]
    if named:  # a table by its name, then a key of it
        table = TABLES[rng.choice(named[0].quantity.choices)]
        return {named[0].name: table.name, "key": rng.choice(list(table.rows))}
    table = next(iter(sorted(m.tables, key=lambda t: t.name)), None)
    names = [
        p.name
        for p in m.scalars.values()
        if table and p.quantity.is_text and not p.quantity.table and p.name in table.columns
    ]
    row = rng.choice(list(table.rows.values())) if names else None
    return {name: getattr(row, name) for name in names}


def random_inputs(m, count, seed=0):
    """Rows of inputs; the lists in a row are equally long."""
    rng = random.Random(f"{m.name}-{seed}")
    found = []
    for _ in range(count):
        texts, length = of_one_row(m, rng), rng.randint(1, 5)
        found.append({p.name: texts.get(p.name) or random_value(m, p, rng, length) for p in m.scalars.values()})
    return found
