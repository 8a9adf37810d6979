"""The rate card as a template: its checks say what the tables' own questions say, and follow what a person edits."""

import json
import math
from datetime import date, timedelta

import numpy as np
import openpyxl
import pytest
from test_templates import book

from xl_econ import cli
from xl_econ.core import ops
from xl_econ.core.errors import InputError, LayoutError, TableError
from xl_econ.tables import queries
from xl_econ.tables.store import TABLES
from xl_econ.templates import fill, layout, many
from xl_econ.templates.model import Model
from xl_econ.workbook import rate_card
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate

NAME = "rate_card"
PRICES, BOUGHT = TABLES["cloud_prices"], TABLES["purchase_prices"]
TEXT = (layout.folder() / f"{NAME}.toml").read_text()


@pytest.fixture(scope="module")
def model():
    return Model(layout.load(NAME))


def column(model, table, name):
    """A worked-out column by key."""
    return dict(zip(table.rows, model.columns[f"{table.sheet}[{name}]"], strict=True))


# -- what the columns say ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", [PRICES, BOUGHT], ids=lambda t: t.name)
def test_a_conflict_is_what_tables_conflicts_lists(table, model):
    limit = model.value("spread_limit")
    assert limit == queries.SPREAD
    said = {q.key: c.spread for c in queries.conflicts(table, limit) for q in c.quotes}
    shown = {k: v for k, v in column(model, table, "spread").items() if v != "" and v > limit}
    assert shown == pytest.approx(said)
    assert len(shown) > 10


def test_five_fourty_over_four_fifty_is_not_above_a_fifth(model):
    """5.4 / 4.5 - 1 is 0.20000000000000018 in a computer, and 20% to everybody else."""
    assert column(model, PRICES, "spread")["Nebius|H200 SXM 141GB|on-demand|latest"] == 0.2
    assert not [c for c in queries.conflicts(PRICES) if c.offer == "Nebius|H200 SXM 141GB|on-demand"]


@pytest.mark.parametrize("name", ["cloud_prices", "purchase_prices", "api_prices"])
def test_an_age_is_what_tables_older_than_says(name, model):
    day = date(1899, 12, 30) + timedelta(days=model.value("review_day"))
    assert day.isoformat() == max(r.as_of for t in (PRICES, TABLES["api_prices"]) for r in t.rows.values())
    said = {old.key: float(old.days) for old in queries.older_than(TABLES[name], -1, day)}
    assert column(model, TABLES[name], "age_days") == said
    old = {k for k, days in said.items() if days > 180}
    key = {"cloud_prices": "prices_old", "purchase_prices": "purchase_old", "api_prices": "api_old"}[name]
    assert model.value(key) == len(old)


def test_the_break_even_of_a_row_by_hand(model):
    """H100: the mean of the three quotes of 2025-03-03, 1,274 W with its server, four years at 10%, mid-year."""
    price = (31250 + 46875 + 28750) / 3
    watts = 700 * 1.82
    running = watts / 1000 * 1.3 * 8760 * 0.8 * 0.0929 + watts / 1000 * 194.95 * 12 + 1500 + 0.05 * price
    annuity = sum(1.1 ** -(year + 0.5) for year in range(4))
    tco = price + 4000 + running * annuity - 0.15 * price * 1.1**-4
    owned = tco / (8760 * annuity)
    shown = column(model, PRICES, "breakeven_util")
    assert shown["Lambda|H100 SXM 80GB|on-demand|latest"] == pytest.approx(owned / 3.99, rel=1e-12)
    # Reserved is paid whether used or not: below the price owning always pays, above it never.
    assert shown["AWS|H100 SXM 80GB|reserved-3yr|latest"] == 0
    never = shown["CoreWeave|H100 SXM 80GB|reserved-1yr|seed"]
    assert never == pytest.approx(1 + (owned - 2) / 2, rel=1e-12)
    priced = {r.accelerator for r in BOUGHT.rows.values()}
    assert {k for k, v in shown.items() if v == ""} == {k for k, r in PRICES.rows.items() if r.gpu not in priced}


def test_findings_are_no_failures(model):
    """Shipped prices contradict each other and age: a reviewer is told, and the master check still passes."""
    by_label = {c.label: c for c in model.checks}
    for label in ("CloudPrices: rows with spread above the spread limit", "CloudPrices: rows with age_days above"):
        [check] = [c for text, c in by_label.items() if text.startswith(label)]
        assert (check.severity, check.flag) == ("info", 1)
    assert by_label["CloudPrices: rows with off_instance above the rounding limit"].severity == "check"
    assert not [c.label for c in model.checks if c.flag and c.severity == "check"]


# -- edits ------------------------------------------------------------------------------------------------------
def test_an_edited_and_an_added_price_count(tmp_path, model):
    """As Excel does it: a row below widens the Table and takes the formulas of its columns along."""
    path, _ = book(tmp_path, NAME)
    edited = openpyxl.load_workbook(path)
    sheet = edited["CloudPrices"]
    at = {c.value: c.column for c in sheet[5]}
    [row] = [r[0].row for r in sheet.iter_rows(min_row=6) if r[0].value == "OCI|H100 SXM 80GB|on-demand|latest"]
    assert column(model, PRICES, "spread")[sheet.cell(row, 1).value] == "", "the only price of its offer"
    new = sheet.max_row + 1
    for n in range(1, sheet.max_column + 1):
        sheet.cell(new, n).value = sheet.cell(row, n).value
    own = {"offer": "OCI|H100 SXM 80GB|on-demand|cross-check", "case": "cross-check", "aliases": None}
    own |= {"gpus_per_instance": 8, "usd_per_instance_hour": 40.0, "usd_per_gpu_hour": 5.0, "as_of": "2026-02"}
    for name, value in own.items():
        sheet.cell(new, at[name]).value = value
    sheet.tables["CloudPrices"].ref = f"A5:{sheet.cell(new, sheet.max_column).coordinate}"
    edited.save(tmp_path / "edited.xlsx")
    found = recalculate(tmp_path / "edited.xlsx")
    cell = {name: openpyxl.utils.get_column_letter(n) for name, n in at.items()}
    for r in (row, new):
        assert found["CloudPrices", f"{cell['spread']}{r}"] == pytest.approx(10 / 5 - 1)
    assert found["CloudPrices", f"{cell['from_instance']}{new}"] == 5
    assert found["CloudPrices", f"{cell['age_days']}{new}"] == (date(2026, 11, 9) - date(2026, 2, 28)).days
    results = {r.key: n for n, r in enumerate(model.layout.results, 5)}
    for key, more in (("prices_held", 1), ("prices_conflicting", 2), ("prices_old", 1)):
        assert found["Results", f"D{results[key]}"] == model.value(key) + more
    # And it is a rate card, whose formulas are the sheet's own affair.
    rows = rate_card.read(tmp_path / "edited.xlsx")["cloud_prices"]
    assert rows["OCI|H100 SXM 80GB|on-demand|cross-check"].usd_per_gpu_hour == 5


def test_a_value_typed_over_a_worked_out_one_is_refused(tmp_path):
    path, _ = book(tmp_path, NAME)
    edited = openpyxl.load_workbook(path)
    sheet = edited["CloudPrices"]
    n = next(c.column for c in sheet[5] if c.value == "spread")
    sheet.cell(9, n).value = 0.05
    edited.save(path)
    with pytest.raises(TableError, match=rf"{sheet.cell(9, n).coordinate}, column spread: a value where the sheet"):
        rate_card.read(path)


def test_a_quote_in_another_currency(tmp_path, capsys):
    settings = ["instance_price=60", "gpus_per_instance=8", "usd_per_currency=1.1", "as_of_date=2027-01-31"]
    args = [x for s in settings for x in ("--set", s)]
    assert cli.main(["fill", NAME, *args, "-o", str(tmp_path / "q.xlsx"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["results"]
    assert found["quote_usd_hour"]["value"] == pytest.approx(60 * 1.1 / 8)
    assert found["quote_over_card"]["value"] == pytest.approx(8.25 / 3.99 - 1)
    assert list(differences(formulas(tmp_path / "q.xlsx"), recalculate(tmp_path / "q.xlsx"), 1e-12)) == []


def test_its_columns_follow_the_case_so_it_is_built_for_each():
    assert not many.compiles(layout.load(NAME))
    assert many.compiles(layout.load("training_budget"))


def test_a_day_that_is_none():
    template = layout.load(NAME)
    with pytest.raises(InputError, match=r"Day of the review.*'yesterday': expected a date: 2026, 2026-11 or"):
        fill.model(template, fill.with_settings(fill.Case("x"), ["as_of_date=yesterday"], template))


# -- the language of columns ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "day"),
    [("2026", date(2026, 12, 31)), ("2024-02", date(2024, 2, 29)), ("2026-11-23", date(2026, 11, 23))],
)
def test_the_last_day_that_a_date_can_mean(text, day):
    template = layout.load(NAME)
    model = fill.model(template, fill.with_settings(fill.Case("x"), [f"as_of_date={text}"], template))
    assert model.value("review_day") == (day - date(1899, 12, 30)).days


def test_what_matches_is_what_countifs_counts():
    find = lambda op, *args: ops.scalar_function(op)(*args)  # noqa: E731
    names, figures = ("AWS", "aws", "Azure", ""), (3.0, 1.0, 2.0, "")
    assert find("rows_where", names, "Aws") == 2
    assert find("rows_where", names, "a*", figures, 2.0) == 1
    assert find("mean_where", figures, names, "AWS") == 2
    assert find("mean_where", figures, names, "GCP") == ""
    assert (find("highest_where", figures, names, "AWS"), find("lowest_where", figures, names, "AWS")) == (3, 1)
    assert (find("rows_above", figures, 2.0), find("rows_below", figures, 2.0), find("highest_of", figures)) == (
        1,
        1,
        3,
    )
    assert math.isclose(float(ops.snapped(5.4 / 4.5 - 1)), 0.2, abs_tol=0)
    assert ops.snapped(np.array([1.00000000001])).tolist() == [1.0]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("column('cloud_prices', 'spread')", "column('cloud_price', 'spread')", "no table 'cloud_price'; did you mean"),
        ("column('cloud_prices', 'spread')", "column('cloud_prices', 'sprea')", "no column 'CloudPrices[sprea]'"),
        ("column('cloud_prices', 'spread')", "column('cloud_prices', 'age_days')", "CloudPrices[age_days] follows the"),
        (
            "column('cloud_prices', 'spread')",
            "column('cloud_prices', 'breakeven_util')",
            "[breakeven_util] follows the",
        ),
        ('needs = ["as_of_day"]', 'needs = ["as_of_da"]', "needs 'as_of_da', which is no column before it; did you"),
        ('flag_above = "spread_limit"', 'flag_above = "spread_limi"', "no input 'spread_limi'; did you mean"),
    ],
)
def test_a_column_that_cannot_be_built(old, new, text):
    assert old in TEXT
    with pytest.raises(LayoutError) as e:
        Model(layout.parse(TEXT.replace(old, new, 1), "rate_card.toml"))
    assert text in str(e.value)
