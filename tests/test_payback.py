"""Paybacks against explicit sums, depreciation against spreadsheets' own functions, and what never pays back."""

import math
from decimal import Decimal, getcontext
from fractions import Fraction

import numpy as np
import pytest
from conftest import ENGINES
from support import Sheet, close

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import DomainError, InputError, NotAvailable
from xl_econ.hosts import udf
from xl_econ.metrics import get
from xl_econ.printers import excel

getcontext().prec = 50
RATES = (0.0, 1e-15, 1e-12, 1e-9, 1e-8, 1e-6, 1e-4, 0.01, 0.1, 1.0, -1e-9, -0.01, -0.5)
MONTHS = (1, 12, 36, 240)


def monthly(discount_rate):
    return (Decimal(1) + Decimal(discount_rate)) ** (Decimal(1) / 12) - 1


def explicit_npv(upfront, own, cloud, months, residual, discount_rate):
    i = monthly(discount_rate)
    flows = sum((Decimal(cloud) - Decimal(own)) / (1 + i) ** k for k in range(1, months + 1))
    return float(flows + Decimal(residual) / (1 + i) ** months - Decimal(upfront))


CASES = [(0, 14000, 115000, n, 0, r) for n in MONTHS for r in RATES]
CASES += [(0, 0, 0, n, 3e5, r) for n in MONTHS for r in RATES]
CASES += [(2e6, 14000, 115000, n, 3e5, r) for n in MONTHS for r in RATES]


def in_cells(m, cases, engine, path):
    """A metric of each case, computed by a spreadsheet from its formula."""
    sheet = Sheet(path, lambdas=False)
    refs = [dict(zip(m.params, map(sheet.reference, case), strict=True)) for case in cases]
    cells = [sheet.formula(excel.formula(m.tree, r)) for r in refs]
    computed = sheet.compute(engine)
    return [computed[c] for c in cells]


@pytest.mark.parametrize("engine", [None, *ENGINES])
def test_net_present_value_is_the_explicit_sum(engine, tmp_path):
    m = get("NPV_BUY_VS_RENT")
    expected = [explicit_npv(*case) for case in CASES]
    if engine is None:
        values = [xl_econ.npv_buy_vs_rent(*case) for case in CASES]
        columns = zip(*CASES, strict=True)
        np.testing.assert_allclose(xl_econ.npv_buy_vs_rent(*(np.array(c, float) for c in columns)), values, rtol=1e-13)
    else:
        values = in_cells(m, CASES, engine, tmp_path / "npv.xlsx")
    for case, value, right in zip(CASES, values, expected, strict=True):
        assert close(value, right, 3e-13), (case, value, right)


@pytest.mark.parametrize("engine", [None, *ENGINES])
def test_months_to_break_even_near_a_rate_of_zero(engine, tmp_path):
    m = get("BREAKEVEN_MONTHS")
    cases = [(2e6, 14000, 115000, r) for r in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-4, 0.01, 0.04, -1e-9, -0.05)]

    def logarithms(upfront, own, cloud, rate):
        share = Decimal(upfront) * Decimal(rate) / (cloud - own)
        return float(-(1 - share).ln() / (1 + Decimal(rate)).ln())

    if engine is None:
        values = [xl_econ.breakeven_months(*case) for case in cases]
        arrays = [np.array(c) for c in zip(*cases, strict=True)]
        np.testing.assert_allclose(xl_econ.breakeven_months(*arrays), values, rtol=1e-14)
    else:
        values = in_cells(m, cases, engine, tmp_path / "months.xlsx")
    for case, value in zip(cases, values, strict=True):
        assert close(value, logarithms(*case), 1e-13), (case, value)


def by_hand(method, cost, salvage, life, year):
    """Depreciation in fractions, year by year."""
    if method == "SLN":
        return Fraction(cost - salvage, life)
    if method == "SYD":
        return Fraction((cost - salvage) * (life - year + 1), sum(range(1, life + 1)))
    book, amount = Fraction(cost), Fraction(0)
    for _ in range(year):
        amount = max(min(book * min(Fraction(2, life), 1), book - salvage), Fraction(0))
        book -= amount
    return amount


SCHEDULES = [
    (method, cost, salvage, life, year)
    for method in ("SLN", "SYD", "DDB")
    for cost, salvage in ((30000, 3000), (30000, 0), (30000, 30000), (30000, 14000))
    for life in (1, 2, 3, 5, 8)
    for year in range(1, life + 1)
]


def test_depreciation_by_hand():
    for method, cost, salvage, life, year in SCHEDULES:
        found = xl_econ.depreciation(cost, salvage, life, year, method)
        assert math.isclose(found, by_hand(method, cost, salvage, life, year), rel_tol=1e-12, abs_tol=1e-8)
    for life in (1, 2, 5, 60):
        for method in ("SLN", "SYD"):
            years = np.arange(1.0, life + 1)
            assert sum(xl_econ.depreciation(1000, 100, life, years, method)) == pytest.approx(900, rel=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_depreciation_is_the_spreadsheets_own(engine, tmp_path):
    m = get("DEPRECIATION")
    sheet = Sheet(tmp_path / "depreciation.xlsx", lambdas=engine == "ironcalc")
    wanted = []
    for method, cost, salvage, life, year in SCHEDULES:
        refs = dict(zip(m.params, map(sheet.reference, (cost, salvage, life, year, method)), strict=True))
        first = ",".join(list(refs.values())[:3])
        own = sheet.formula(f"{method}({first})" if method == "SLN" else f"{method}({first},{refs['year']})")
        ours = [sheet.formula(excel.formula(m.tree, refs))]
        if engine == "ironcalc":
            ours.append(sheet.formula(f"DEPRECIATION({','.join(refs.values())})", dynamic=True))
        wanted.append(((method, cost, salvage, life, year), own, ours))
    values = sheet.compute(engine)
    for case, own, ours in wanted:
        for cell in ours:
            assert math.isclose(values[cell], values[own], rel_tol=1e-12, abs_tol=1e-8), (case, values[own])


NEVER = [
    ("BREAKEVEN_UTIL_VAR", (38500, 3300, 0.2, 0.05, 26280), NotAvailable, "owning is never cheaper"),
    ("BREAKEVEN_MONTHS", (34000, 300, 300), NotAvailable, "never pays back"),
    ("BREAKEVEN_MONTHS", (34000, 400, 300, 0.01), NotAvailable, "never pays back"),
    ("BREAKEVEN_MONTHS", (34000, 0, 340, 0.01), NotAvailable, "never pays back"),  # the interest eats all of it
    ("API_BREAKEVEN", (2, 14600, 2), NotAvailable, "never cheaper"),
    ("API_BREAKEVEN", (2, 14600, 3), NotAvailable, "never cheaper"),
    ("DEPRECIATION", (30000, 3000, 5, 6), DomainError, "beyond the life"),
    ("DEPRECIATION", (30000, 3000, 5, 6, "DDB"), DomainError, "beyond the life"),
    ("DEPRECIATION", (3000, 30000, 5, 1, "DDB"), DomainError, "salvage value is above the cost"),
    ("DEPRECIATION", (3000, 30000, 5, 1, "SYD"), DomainError, "salvage value is above the cost"),
    ("BLENDED_RATE", ([3.5, 2.5], [0.5, 0.4]), DomainError, "the shares must sum to 1"),
    ("BLENDED_RATE", ([3.5, 2.5], [0.5, 0.50000001]), DomainError, "the shares must sum to 1"),
    ("BLENDED_RATE", ([3.5, 2.5], [0, 0]), DomainError, "the shares must sum to 1"),
    ("BLENDED_RATE", ([3.5, 2.5], [0.5, 0.3, 0.2]), InputError, "lists of 2, 3 and 1 values do not go together"),
    ("BLENDED_RATE", ([3.5, 2.5], [1.0]), InputError, "lists of 2, 1 and 1 values do not go together"),
    ("BLENDED_RATE", ([3.5, 2.5], [0.5, 0.5], [1, 1, 1]), InputError, "do not go together"),
    ("BLENDED_RATE", ([3.5, -1], [0.5, 0.5]), DomainError, r"rates\[2\] = -1: must be at least 0"),
    ("BLENDED_RATE", ([3.5, "x"], [0.5, 0.5]), InputError, r"rates\[2\] = 'x': expected a number"),
    ("BLENDED_RATE", ([3.5, None], [0.5, 0.5]), InputError, r"rates\[2\] is missing"),
]


@pytest.mark.parametrize(("name", "args", "kind", "text"), NEVER, ids=[f"{n[0]}-{i}" for i, n in enumerate(NEVER)])
def test_what_does_not_exist_says_why(name, args, kind, text, capsys):
    with pytest.raises(kind, match=text) as e:
        getattr(xl_econ, name.lower())(*args)
    assert type(e.value) is kind
    assert getattr(udf, name)(*args) == e.value.cell
    assert text.replace("\\", "") in udf.WHY()[0][0]
    if not any(x is None or isinstance(x, list) for x in args):
        assert cli.main(["calc", name, *map(str, args)]) == kind.exit_code
        assert "nan" not in capsys.readouterr().out
        with pytest.raises(kind, match=rf"^row 1: .*{text}"):
            getattr(xl_econ, name.lower())([args[0]] * 2, *args[1:])


def test_what_does_not_exist_in_cells(tmp_path):
    sheet = Sheet(tmp_path / "never.xlsx")
    wanted = []
    for name, args, kind, _ in NEVER:
        refs = ",".join(sheet.reference(a) for a in args)
        wanted.append((name, args, sheet.formula(f"{name}({refs})", dynamic=True), kind.cell))
    values = sheet.compute()
    for name, args, cell, error in wanted:
        assert values[cell] == error, (name, args)


def test_lists_of_every_kind():
    rates, shares = [3.5, 2.5, 1.6], [0.5, 0.3, 0.2]
    for kind in (list, tuple, np.array, lambda v: [[x] for x in v], lambda v: ", ".join(map(str, v))):
        assert xl_econ.blended_rate(kind(rates), kind(shares)) == pytest.approx(2.82, rel=1e-15)
    column = tuple((x,) for x in rates), tuple((x,) for x in shares)
    assert udf.BLENDED_RATE(*column) == pytest.approx(2.82, rel=1e-15)
    assert udf.BLENDED_RATE(*column, ((None,), (None,), (None,))) == pytest.approx(2.82, rel=1e-15)
    assert udf.BLENDED_RATE(*column, ((1.0,), (None,), (None,))) == "#VALUE!"
    assert xl_econ.blended_rate(3.5, 1) == 3.5
    thirds = [1 / 3 - 1e-11] * 3  # typed with ten digits
    assert xl_econ.blended_rate([3, 3, 3], thirds) == pytest.approx(3, rel=1e-15)
    assert udf.EXPLAIN("BLENDED_RATE", *column)[1][2] == "3.5, 2.5, 1.6"
