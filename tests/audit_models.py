"""Models as analysts build them, with nothing wrong in them: what an audit has to pass over in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter as letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from xl_econ.workbook.parts import Parts
from xl_econ.workbook.refresh import refresh

BOLD = Font(bold=True)
GREY = PatternFill("solid", start_color="DDDDDD")
MODELS: dict[str, Callable[[Path], None]] = {}


def model(build: Callable[[Path], None]) -> Callable[[Path], None]:
    MODELS[build.__name__] = build
    return build


def built(name: str, folder: Path, change: Callable[[Any], None] | None = None) -> Path:
    """A model with its values stored beside its formulas, after a change of the openpyxl workbook."""
    path = folder / f"{name}.xlsx"
    MODELS[name](path)
    if change is not None:
        wb = openpyxl.load_workbook(path)
        change(wb)
        wb.save(path)
    refresh(Parts(path), path)
    return path


def fill(ws: Any, rows: list[list[Any]], top: int = 1) -> None:
    for r, row in enumerate(rows, top):
        for c, value in enumerate(row, 1):
            if value is not None:
                ws.cell(r, c, value)


def across(ws: Any, row: int, label: str, formula: str, columns: range, first: str | float | None = None) -> None:
    """A row of one formula: {c} the column, {p} the one before it; the first may be another."""
    ws.cell(row, 1, label)
    for c in columns:
        text = first if c == columns[0] and first is not None else formula
        ws.cell(row, c, text.format(c=letter(c), p=letter(c - 1)) if isinstance(text, str) else text)
        ws.cell(row, c).number_format = "#,##0"


@model
def three_statements(path: Path) -> None:
    """Income statement, cash flow and balance sheet over five years, assumptions above, an actual year first."""
    wb = openpyxl.Workbook()
    a = wb.active
    a.title = "Assumptions"
    fill(
        a,
        [
            ["Assumption", "Unit", 2025, 2026, 2027, 2028, 2029],
            ["Revenue growth", "%", None, 0.25, 0.22, 0.2, 0.18],
            ["Gross margin", "%", 0.62, 0.63, 0.64, 0.65, 0.65],
            ["Opex of revenue", "%", 0.35, 0.34, 0.33, 0.32, 0.31],
            ["Tax rate", "%", 0.25, 0.25, 0.25, 0.25, 0.25],
            ["Capex", "USD k", 400, 450, 500, 520, 540],
            ["Depreciation life", "years", 5, 5, 5, 5, 5],
            ["Receivable days", "days", 45, 45, 42, 42, 40],
            ["Interest rate", "%", 0.06, 0.06, 0.06, 0.055, 0.055],
            ["Repayment", "USD k", 0, 100, 100, 100, 100],
        ],
    )
    p = wb.create_sheet("P&L")
    fill(p, [["USD k", None, *range(2025, 2030)]])
    years = range(3, 8)
    across(p, 2, "Revenue", "={p}2*(1+Assumptions!{c}2)", years, 5200)
    across(p, 3, "Cost of sales", "=-{c}2*(1-Assumptions!{c}3)", years)
    across(p, 4, "Gross profit", "=SUM({c}2:{c}3)", years)
    across(p, 5, "Operating cost", "=-{c}2*Assumptions!{c}4", years)
    across(p, 6, "EBITDA", "={c}4+{c}5", years)
    across(p, 7, "Depreciation", "=-SUM(Assumptions!$C$6:{c}$6)/Assumptions!{c}$7", years)
    across(p, 8, "EBIT", "=SUM({c}6:{c}7)", years)
    across(p, 9, "Interest", "=-'Balance sheet'!{p}9*Assumptions!{c}9", years, "=-Debt_open*Assumptions!{c}9")
    across(p, 10, "Profit before tax", "={c}8+{c}9", years)
    across(p, 11, "Tax", "=-MAX(0,{c}10)*Assumptions!{c}5", years)
    across(p, 12, "Net income", "=SUM({c}10:{c}11)", years)
    across(p, 14, "Growth", "={c}2/{p}2-1", range(4, 8))
    across(p, 15, "EBITDA margin", "={c}6/{c}2", years)
    f = wb.create_sheet("Cash flow")
    fill(f, [["USD k", None, *range(2025, 2030)]])
    across(f, 2, "Net income", "='P&L'!{c}12", years)
    across(f, 3, "Depreciation", "=-'P&L'!{c}7", years)
    across(f, 4, "Change of receivables", "='Balance sheet'!{p}4-'Balance sheet'!{c}4", years)
    across(f, 5, "Operating cash flow", "=SUM({c}2:{c}4)", years)
    across(f, 6, "Capex", "=-Assumptions!{c}6", years)
    across(f, 7, "Repayment", "=-Assumptions!{c}10", years)
    across(f, 8, "Net cash flow", "=SUM({c}5:{c}7)", years)
    b = wb.create_sheet("Balance sheet")
    fill(b, [["USD k", "Opening", *range(2025, 2030)], [], ["Assets"]])
    fill(b, [["Receivables", 600], ["Cash", 900], ["Fixed assets", 1500], ["Total assets", "=SUM(B4:B6)"]], 4)
    fill(b, [["Debt", 800], ["Equity", "=B7-B9"], ["Total", "=SUM(B9:B10)"], ["Check", "=ROUND(B7-B11,2)"]], 9)
    across(b, 4, "Receivables", "='P&L'!{c}2*Assumptions!{c}8/365", years)
    across(b, 5, "Cash", "={p}5+'Cash flow'!{c}8", years)
    across(b, 6, "Fixed assets", "={p}6+Assumptions!{c}6+'P&L'!{c}7", years)
    across(b, 7, "Total assets", "=SUM({c}4:{c}6)", years)
    across(b, 9, "Debt", "={p}9-Assumptions!{c}10", years)
    across(b, 10, "Equity", "={p}10+'P&L'!{c}12", years)
    across(b, 11, "Total", "=SUM({c}9:{c}10)", years)
    across(b, 12, "Check", "=ROUND({c}7-{c}11,2)", years)
    wb.defined_names["Debt_open"] = DefinedName("Debt_open", attr_text="'Balance sheet'!$B$9")
    wb.save(path)


@model
def saas_plan(path: Path) -> None:
    """24 months in columns with quarters summed up beside them, cohorts, and a summary by INDEX and MATCH."""
    wb = openpyxl.Workbook()
    i = wb.active
    i.title = "Inputs"
    fill(
        i,
        [
            ["Input", "Value", "Unit", "Source"],
            ["Customers at start", 120, "customers", "CRM"],
            ["New customers a month", 14, "customers", "sales plan"],
            ["Growth of new customers", 0.03, "a month", "sales plan"],
            ["Churn", 0.018, "a month", "CRM"],
            ["Price", 249, "USD a month", "price list"],
            ["Hosting", 31.5, "USD a customer", "invoice"],
            ["Support per agent", 80, "customers", "policy"],
            ["Agent", 4800, "USD a month", "HR"],
        ],
    )
    rule = DataValidation(type="decimal", operator="between", formula1="0", formula2="1")
    rule.add("B4:B5")
    i.add_data_validation(rule)
    m = wb.create_sheet("Monthly")
    months = range(3, 27)
    fill(m, [["Month", None, *range(1, 25), "Year 1", "Year 2"]])
    across(m, 2, "Customers, opening", "={p}5", months, "=Inputs!$B$2")
    across(m, 3, "New", "={p}3*(1+Inputs!$B$4)", months, "=Inputs!$B$3")
    across(m, 4, "Lost", "=-{c}2*Inputs!$B$5", months)
    across(m, 5, "Customers, closing", "=SUM({c}2:{c}4)", months)
    across(m, 7, "Revenue", "=AVERAGE({c}2,{c}5)*Inputs!$B$6", months)
    across(m, 8, "Hosting", "=-AVERAGE({c}2,{c}5)*Inputs!$B$7", months)
    across(m, 9, "Agents", "=ROUNDUP({c}5/Inputs!$B$8,0)", months)
    across(m, 10, "Support", "=-{c}9*Inputs!$B$9", months)
    across(m, 11, "Contribution", "={c}7+{c}8+{c}10", months)
    across(m, 12, "Margin", "=IFERROR({c}11/{c}7,0)", months)
    across(m, 13, "Cumulative", "={p}13+{c}11", months, "={c}11")
    for row in (3, 4, 7, 8, 10, 11):
        m.cell(row, 27, f"=SUM(C{row}:N{row})")
        m.cell(row, 28, f"=SUM(O{row}:Z{row})")
    for column, last in ((27, "N"), (28, "Z")):
        c = letter(column)
        fill_one = {2: f"={'C' if last == 'N' else 'O'}2", 5: f"={last}5", 12: f"={c}11/{c}7", 13: f"={last}13"}
        for row, text in fill_one.items():
            m.cell(row, column, text)
    s = wb.create_sheet("Summary")
    fill(s, [["Month shown", 12], ["Customers", "=INDEX(Monthly!$C$5:$Z$5,MATCH($B$1,Monthly!$C$1:$Z$1,0))"]])
    fill(s, [["Revenue", "=INDEX(Monthly!$C$7:$Z$7,MATCH($B$1,Monthly!$C$1:$Z$1,0))"]], 3)
    fill(s, [["ARR, USD k", "=B3*12/1000"], ["Best month", "=MAX(Monthly!C11:Z11)"]], 4)
    wb.save(path)


@model
def cost_with_subtotals(path: Path) -> None:
    """A bill of cost in one column with subtotals between, and a budget and a variance beside it."""
    book = xlsxwriter.Workbook(str(path))
    ws = book.add_worksheet("Cost")
    bold, money, share = (book.add_format(f) for f in ({"bold": True}, {"num_format": "#,##0"}, {"num_format": "0.0%"}))
    for n, head in enumerate(("Item", "Quantity", "USD each", "Actual", "Budget", "Variance", "%")):
        ws.write(0, n, head, bold)
    row, subtotals = 1, []
    blocks = {
        "Hardware": [("Servers", 16, 182_000, 2_900_000), ("Switches", 4, 31_500, 120_000), ("Cables", 96, 85, 9_000)],
        "Facility": [("Racks", 4, 4_200, 18_000), ("Power feeds", 8, 2_750, 20_000)],
        "People": [("Engineers", 3, 165_000, 480_000), ("Operators", 2, 92_000, 190_000),
                   ("Security", 1, 70_500, 70_000)],
    }  # fmt: skip
    for head, items in blocks.items():
        ws.write(row, 0, head, bold)
        first = row + 1
        for item, quantity, price, budget in items:
            row += 1
            ws.write_row(row, 0, [item, quantity, price])
            ws.write_formula(row, 3, f"=B{row + 1}*C{row + 1}", money)
            ws.write_number(row, 4, budget, money)
            ws.write_formula(row, 5, f"=D{row + 1}-E{row + 1}", money)
            ws.write_formula(row, 6, f"=F{row + 1}/E{row + 1}", share)
        row += 1
        ws.write(row, 0, f"{head} total", bold)
        for c in "DE":
            ws.write_formula(f"{c}{row + 1}", f"=SUM({c}{first + 1}:{c}{row})", money)
        ws.write_formula(row, 5, f"=D{row + 1}-E{row + 1}", money)
        ws.write_formula(row, 6, f"=F{row + 1}/E{row + 1}", share)
        subtotals.append(row + 1)
        row += 2
    ws.write(row, 0, "Total", bold)
    for c in "DE":
        ws.write_formula(f"{c}{row + 1}", "=" + "+".join(f"{c}{r}" for r in subtotals), money)
    ws.write_formula(row, 5, f"=D{row + 1}-E{row + 1}", money)
    ws.write_formula(row, 6, f"=F{row + 1}/E{row + 1}", share)
    book.close()


@model
def gpu_tco(path: Path) -> None:
    """Three accelerators in columns, one item a row: every column copies the one before."""
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "TCO"
    fill(
        ws,
        [
            ["Per accelerator", "Unit", "H100", "H200", "B200"],
            ["Price", "USD", 27_000, 32_000, 39_500],
            ["Server share", "USD", 6_500, 6_500, 8_200],
            ["Power", "W", 700, 700, 1_000],
            ["PUE", None, 1.3, 1.3, 1.2],
            ["Electricity", "USD/kWh", 0.075, 0.075, 0.075],
            ["Life", "years", 5, 5, 5],
            ["Residual value", "%", 0.1, 0.12, 0.15],
            ["Utilisation", "%", 0.7, 0.7, 0.7],
        ],
    )
    rows = [
        ("Capital cost", "={c}2+{c}3"),
        ("Residual", "={c}10*{c}8"),
        ("Depreciation a year", "=({c}10-{c}11)/{c}7"),
        ("Energy a year", "={c}4/1000*{c}5*8760*{c}6"),
        ("Maintenance a year", "={c}10*$B$20"),
        ("Cost a year", "=SUM({c}12:{c}14)"),
        ("Cost an hour", "={c}15/8760"),
        ("Cost a used hour", "={c}16/{c}9"),
    ]
    for n, (label, formula) in enumerate(rows, 10):
        across(ws, n, label, formula, range(3, 6))
    fill(ws, [["Maintenance of capital cost", 0.05]], 20)
    fill(ws, [["Cheapest hour", "=MIN(C17:E17)"], ["is", "=INDEX(C1:E1,MATCH(B21,C17:E17,0))"]], 21)
    wb.save(path)


@model
def pivot(path: Path) -> None:
    """A list of postings, and a table by region and quarter with totals to the right and below."""
    wb = openpyxl.Workbook()
    data = wb.active
    data.title = "Data"
    fill(data, [["Region", "Quarter", "Sales"]])
    regions, quarters = ("East", "North", "South", "West"), ("Q1", "Q2", "Q3", "Q4")
    for n in range(80):
        fill(data, [[regions[n * 7 % 4], quarters[n * 3 // 5 % 4], 100 + n * 37 % 211]], n + 2)
    p = wb.create_sheet("Pivot")
    fill(p, [["Sales", *quarters, "Total", "Share"]])
    for n, region in enumerate(regions, 2):
        p.cell(n, 1, region)
        for c in range(2, 6):
            p.cell(n, c, f"=SUMIFS(Data!$C$2:$C$81,Data!$A$2:$A$81,$A{n},Data!$B$2:$B$81,{letter(c)}$1)")
        p.cell(n, 6, f"=SUM(B{n}:E{n})")
        p.cell(n, 7, f"=F{n}/F$6")
    p.cell(6, 1, "Total")
    for c in range(2, 8):
        p.cell(6, c, f"=SUM({letter(c)}2:{letter(c)}5)")
    p.cell(7, 1, "of the year")
    for c in range(2, 6):
        p.cell(7, c, f"={letter(c)}6/$F$6")
    p.cell(9, 1, "Check")
    p.cell(9, 2, "=SUM(Data!C2:C81)-F6")
    wb.save(path)


@model
def scenarios(path: Path) -> None:
    """Three cases of which CHOOSE takes one, a dated timeline, switches."""
    wb = openpyxl.Workbook()
    s = wb.active
    s.title = "Scenarios"
    fill(s, [["Scenario", 2, "1 low, 2 base, 3 high"], [], ["Driver", "Live", "Low", "Base", "High"]])
    drivers = [
        ("Volume", 80, 100, 130),
        ("Price", 9.5, 10, 10.25),
        ("Unit cost", 6.1, 5.8, 5.5),
        ("Growth", 0.01, 0.02, 0.04),
    ]
    for n, (name, *values) in enumerate(drivers, 4):
        fill(s, [[name, f"=CHOOSE($B$1,C{n},D{n},E{n})", *values]], n)
    rule = DataValidation(type="list", formula1='"1,2,3"')
    rule.add("B1")
    s.add_data_validation(rule)
    t = wb.create_sheet("Timeline")
    columns = range(2, 14)
    import datetime as dt

    across(t, 1, "Month ending", "=EOMONTH({p}1,1)", columns, "=DATE(2026,1,31)")
    for c in columns:
        t.cell(1, c).number_format = "mmm-yy"
    t["A15"], t["B15"] = "Launch", dt.date(2026, 4, 30)
    t["B15"].number_format = "mmm-yy"
    across(t, 2, "Live?", "=IF({c}1>=$B$15,1,0)", columns)
    across(t, 3, "Volume", "=IF({c}$2=1,Scenarios!$B$4*(1+Scenarios!$B$7)^(COLUMN()-2),0)", columns)
    across(t, 4, "Revenue", "={c}3*Scenarios!$B$5", columns)
    across(t, 5, "Cost", "=-{c}3*Scenarios!$B$6", columns)
    across(t, 6, "Profit", "={c}4+{c}5", columns)
    t["N1"] = "Total"
    for row in (3, 4, 5, 6):
        t.cell(row, 14, f"=SUM(B{row}:M{row})")
    wb.save(path)


@model
def waterfall(path: Path) -> None:
    """A bridge from one year to the next, with the columns that a chart of it needs."""
    book = xlsxwriter.Workbook(str(path))
    ws = book.add_worksheet("Bridge")
    ws.write_row("A1", ["Step", "Change", "End", "Base", "Up", "Down"])
    steps = [("2025", 412), ("Price", 38), ("Volume", 61), ("Mix", -12), ("Cost", -45), ("FX", 7)]
    for n, (label, value) in enumerate(steps, 2):
        ws.write_string(n - 1, 0, label)
        ws.write_number(n - 1, 1, value)
        ws.write_formula(n - 1, 2, "=B2" if n == 2 else f"=C{n - 1}+B{n}")
        ws.write_formula(n - 1, 3, "=0" if n == 2 else f"=MIN(C{n - 1},C{n})")
        ws.write_formula(n - 1, 4, f"=MAX(B{n},0)")
        ws.write_formula(n - 1, 5, f"=MAX(-B{n},0)")
    ws.write_string("A8", "2026")
    ws.write_formula("B8", "=SUM(B2:B7)")
    ws.write_formula("C8", "=B8")
    ws.write_formula("D8", "=0")
    ws.write_formula("E8", "=B8")
    ws.write_formula("F8", "=0")
    ws.write_string("A10", "Check")
    ws.write_formula("B10", "=C7-B8")
    book.close()


@model
def amortisation(path: Path) -> None:
    """A loan with its opening balance above, so that the first row differs from the others, and its totals."""
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "Loan"
    fill(ws, [["Principal", 250_000], ["Rate", 0.054], ["Months", 36], ["Payment", "=-PMT(B2/12,B3,B1)"]])
    fill(ws, [["Month", "Opening", "Interest", "Principal", "Closing"], [1, "=B1"]], 6)
    for n in range(7, 43):
        ws.cell(n, 1, n - 6)
        ws.cell(n, 2, "=B1" if n == 7 else f"=E{n - 1}")
        ws.cell(n, 3, f"=B{n}*$B$2/12")
        ws.cell(n, 4, f"=$B$4-C{n}")
        ws.cell(n, 5, f"=B{n}-D{n}")
    fill(ws, [["Total", None, "=SUM(C7:C42)", "=SUM(D7:D42)"], ["Year 1", None, "=SUM(C7:C18)", "=SUM(D7:D18)"]], 43)
    wb.save(path)


@model
def actuals_and_forecast(path: Path) -> None:
    """Six months of actuals typed, six of forecast computed, a comparison with the budget below."""
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "Forecast"
    fill(ws, [["USD k", *[f"{'A' if n < 7 else 'F'} {n:02d}/26" for n in range(1, 13)], "FY"]])
    actual = {
        "GPU hours": [510, 545, 530, 580, 601, 640],
        "Cost": [1275, 1330, 1310, 1421, 1502, 1568],
        "Credits": [-40, -40, -38, -45, -45, -51],
    }
    formulas = {"GPU hours": "={p}2*(1+$B$12)", "Cost": "={c}2*$B$13", "Credits": "=-{c}3*$B$14"}
    for row, (label, values) in enumerate(actual.items(), 2):
        fill(ws, [[label, *values]], row)
        for c in range(8, 14):
            ws.cell(row, c, formulas[label].format(c=letter(c), p=letter(c - 1)))
        for c in range(2, 8):
            ws.cell(row, c).font = Font(color="0000FF")
        ws.cell(row, 14, f"=SUM(B{row}:M{row})")
    across(ws, 5, "Net", "={c}3+{c}4", range(2, 15))
    fill(ws, [["Budget", *[1300 + 20 * n for n in range(12)], "=SUM(B6:M6)"]], 6)
    across(ws, 7, "Over budget", "={c}5-{c}6", range(2, 15))
    across(ws, 8, "Unit cost", "={c}5/{c}2", range(2, 15))
    across(ws, 9, "Year to date", "=SUM($B5:{c}5)", range(2, 14))
    fill(ws, [["Growth a month", 0.035], ["USD per hour", 2.45], ["Credits", 0.032]], 12)
    wb.save(path)


@model
def prices_and_lookups(path: Path) -> None:
    """A price Table, a calculator that looks up in it, volume discounts by approximate match, names, totals rows."""
    book = xlsxwriter.Workbook(str(path))
    t, c = book.add_worksheet("Prices"), book.add_worksheet("Quote")
    prices = [["a100-80", 1.79], ["b200", 4.99], ["h100-sxm", 2.99], ["h200", 3.49], ["l40s", 0.86], ["mi300x", 2.49]]
    t.add_table("A1:B7", {"name": "Prices", "data": prices, "columns": [{"header": "sku"}, {"header": "usd_per_hour"}]})
    t.write_row("D1", ["From hours", "Discount"])
    for n, (hours, discount) in enumerate([(0, 0), (1000, 0.05), (10_000, 0.12), (100_000, 0.2)], 1):
        t.write_row(n, 3, [hours, discount])
    book.define_name("margin", "=Quote!$B$12")
    c.write_row("A1", ["SKU", "Hours", "List", "Discount", "Net", "Price"])
    for n, (sku, hours) in enumerate([("h100-sxm", 7300), ("l40s", 400), ("b200", 12_000), ("h200", 150)], 2):
        c.write_row(n - 1, 0, [sku, hours])
        c.write_formula(n - 1, 2, f"=INDEX(Prices[usd_per_hour],MATCH(A{n},Prices[sku],0))")
        c.write_formula(n - 1, 3, f"=VLOOKUP(B{n},Prices!$D$2:$E$5,2,TRUE)")
        c.write_formula(n - 1, 4, f"=B{n}*C{n}*(1-D{n})")
        c.write_formula(n - 1, 5, f"=E{n}*(1+margin)")
    c.write_string("A7", "Total")
    for column in "BEF":
        c.write_formula(f"{column}7", f"=SUM({column}2:{column}5)")
    c.write_row("A12", ["Margin", 0.18])
    c.data_validation("A2:A5", {"validate": "list", "source": "=Prices!$A$2:$A$7"})
    book.close()
