"""Clean workbooks in twelve more layouts: what is right in them, however it is laid out, must not be called an error.

Months down and figures across, quarters with years between, German labels and formats, names for addresses, Tables,
spilled and Google's array formulas, no stored values, several currencies, choices of cases, a ledger, a cash flow.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .draft import computed, store

Rows = Iterable[list[Any]]


def _book(path: Path, sheets: dict[str, Rows], formats: dict[str, dict[str, str]], names: dict[str, str]) -> None:
    """Write sheets with number formats by column and defined names, as openpyxl does: without stored values."""
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.workbook.defined_name import DefinedName

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for column, code in formats.get(title, {}).items():
            for cell in sheet[column]:
                cell.number_format = code
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            sheet.column_dimensions[column].width = 18
    for name, place in names.items():
        book.defined_names[name] = DefinedName(name, attr_text=place)
    book.save(path)


def _table(head: list[str], of_row: Callable[[int], list[Any]], first: int, count: int) -> Rows:
    yield head
    for r in range(first, first + count):
        yield of_row(r)


def _day(month: int, year: int = 2027) -> dt.date:
    return dt.date(year + month // 12, month % 12 + 1, 1)


def months_down(path: Path, rng: random.Random) -> None:
    """A forecast with months down and figures across, the units in a row of their own below the headings."""
    drivers: Rows = [
        ["Growth a month", 0.05, "%"],
        ["Throughput", rng.choice([1100, 1600]), "tokens/s/GPU"],
        ["Utilization", 0.6, "%"],
        ["GPU price", rng.choice([2.2, 2.8]), "USD/GPU-h"],
        ["Discount", 0.08, "%"],
    ]
    head = ["Month", "Requests", "Tokens per request", "Tokens", "Load", "GPUs", "GPU-hours", "Cost", "Unit cost"]
    units = ["", "M", "tokens", "B tokens", "tokens/s", "GPU", "GPU-h", "USD", "USD/M tokens"]

    def row(r: int) -> list[Any]:
        requests = f"=B{r - 1}*(1+Drivers!$B$1)" if r > 4 else rng.randrange(20, 60)
        return [_day(r - 4), requests, 1500, f"=B{r}*C{r}/1000", f"=D{r}*1000000000/(30.4*24*3600)",
                f"=ROUNDUP(E{r}/Drivers!$B$2/Drivers!$B$3,0)", f"=F{r}*24*30.4",
                f"=G{r}*Drivers!$B$4*(1-Drivers!$B$5)", f"=H{r}/(D{r}*1000)"]  # fmt: skip

    rows = [["Inference forecast"], head, units, *(row(r) for r in range(4, 40))]
    rows += [["Total", "=SUM(B4:B39)", None, "=SUM(D4:D39)", None, None, "=SUM(G4:G39)", "=SUM(H4:H39)",
              "=H40/(D40*1000)"], ["Peak", None, None, None, "=MAX(E4:E39)", "=MAX(F4:F39)"]]  # fmt: skip
    _book(path, {"Forecast": rows, "Drivers": drivers}, {"Forecast": {"A": "mmm yy", "H": "#,##0"}}, {})


def quarters(path: Path, rng: random.Random) -> None:
    """A budget in thousands of dollars by quarter, each year's total after its four, no column of units."""
    letters = "BCDEFGHIJKLMNOP"
    first = {"Cloud GPUs": 900, "Own GPUs, depreciation": 400, "Colocation": 210, "Staff": 650, "Licences": 80}

    def across(row: int, opening: Any, following: Callable[[str], str], total: Callable[[str, str], str]) -> list[Any]:
        cells: list[Any] = []
        before = ""
        for n, c in enumerate(letters):
            if n % 5 == 4:
                cells.append(total(f"{letters[n - 4]}{row}", f"{letters[n - 1]}{row}"))
            else:
                cells.append(following(f"{before}{row}") if before else opening)
                before = c
        return cells

    head = [f"Q{n % 5 + 1} {2027 + n // 5}" if n % 5 < 4 else f"FY {2027 + n // 5}" for n in range(15)]
    rows: list[list[Any]] = [["AI budget, USD thousands", *head]]
    for r, (label, value) in enumerate(first.items(), 2):
        growth = rng.choice(["1.03", "1.05", "1.08"])
        rows.append([label, *across(r, value, lambda p, g=growth: f"={p}*{g}", lambda a, b: f"=SUM({a}:{b})")])
    rows.append(["Total", *(f"=SUM({c}2:{c}6)" for c in letters)])
    rows.append(["Revenue", *across(8, 3100, lambda p: f"={p}*1.07", lambda a, b: f"=SUM({a}:{b})")])
    rows.append(["Result", *(f"={c}8-{c}7" for c in letters)])
    rows.append(["Result, % of revenue", *(f"={c}9/{c}8" for c in letters)])
    rows.append(["Headcount", *across(11, 22, lambda p: f"={p}+1", lambda a, b: f"=AVERAGE({a}:{b})")])
    rows.append(["Staff cost per head", *(f"={c}5/{c}11" for c in letters)])
    _book(path, {"Budget": rows}, {"Budget": dict.fromkeys(letters, "#,##0.0")}, {})


def german(path: Path, rng: random.Random) -> None:
    """A colocation calculation in German: labels, formats in euros, hours of a year."""
    euro = "#,##0.00\\ [$€-407]"
    basis: Rows = [
        ["Annahme", "Wert", "Einheit", "Quelle"],
        ["Strompreis", rng.choice([0.19, 0.24]), "€/kWh", "Liefervertrag 2026"],
        ["PUE", 1.25, "", "Messung 2025"],
        ["Betriebsstunden je Jahr", 8760, "h", "Kalender"],
        ["Abschreibung", 4, "Jahre", "AfA-Tabelle"],
        ["Kapitalkosten", 0.07, "%", "Controlling"],
        ["Auslastung", 0.7, "%", "Monitoring"],
    ]
    head = ["Server", "Anzahl", "Leistung (kW)", "Kaufpreis (€)", "Energie (kWh/Jahr)", "Stromkosten (€/Jahr)",
            "Abschreibung (€/Jahr)", "Kapitalkosten (€/Jahr)", "Gesamtkosten (€/Jahr)",
            "Kosten je GPU-Stunde (€)"]  # fmt: skip
    kinds = ["DGX H100", "HGX H200", "HGX B200", "MI300X", "L40S", "A100", "RTX 6000", "Gaudi 3"]

    def row(r: int) -> list[Any]:
        return [kinds[r - 2], rng.randrange(2, 30), round(rng.uniform(3, 12), 1), rng.randrange(60, 320) * 1000,
                f"=B{r}*C{r}*Basis!$B$3*Basis!$B$4", f"=E{r}*Basis!$B$2", f"=B{r}*D{r}/Basis!$B$5",
                f"=B{r}*D{r}/2*Basis!$B$6", f"=SUM(F{r}:H{r})", f"=I{r}/(B{r}*8*Basis!$B$4*Basis!$B$7)"]  # fmt: skip

    rows = list(_table(head, row, 2, len(kinds)))
    rows.append(["Summe", "=SUM(B2:B9)", None, None, *(f"=SUM({c}2:{c}9)" for c in "EFGHI"),
                 "=I10/(B10*8*Basis!$B$4*Basis!$B$7)"])  # fmt: skip
    looks = {"C": "#,##0.0", "D": euro, "E": "#,##0", **dict.fromkeys("FGHIJ", euro)}
    _book(path, {"Basis": basis, "Kosten": rows}, {"Kosten": looks}, {})


def names(path: Path, rng: random.Random) -> None:
    """One column of steps whose formulas hold nothing but defined names."""
    given: list[tuple[str, str, Any]] = [
        ("Parameters (B)", "params_b", rng.choice([7, 13, 70])),
        ("Training tokens (T)", "tokens_t", rng.choice([1.4, 2.0])),
        ("Peak (TFLOP/s)", "peak_tflops", 989.4),
        ("MFU", "mfu", 0.4),
        ("GPUs", "gpus", 512),
        ("Price per GPU-hour (USD)", "price_gpu_hour", rng.choice([2.1, 2.6])),
        ("Storage (TB)", "storage_tb", 120),
        ("Storage price (USD/TB/month)", "storage_price", 21),
        ("Engineers", "engineers", 9),
        ("Salary (USD/yr)", "salary", 210000),
        ("Contingency", "contingency", 0.15),
    ]
    steps = [
        ("Compute (FLOP)", "flop", "=6*params_b*10^9*tokens_t*10^12"),
        ("GPU-hours", "gpu_hours", "=flop/(peak_tflops*10^12*mfu)/3600"),
        ("Days", "days", "=gpu_hours/gpus/24"),
        ("Months", "months", "=days/30.4"),
        ("Compute cost (USD)", "compute_cost", "=gpu_hours*price_gpu_hour"),
        ("Storage cost (USD)", "storage_cost", "=storage_tb*storage_price*months"),
        ("Staff cost (USD)", "staff_cost", "=engineers*salary/12*months"),
        ("Subtotal (USD)", "subtotal", "=compute_cost+storage_cost+staff_cost"),
        ("Total (USD)", "total", "=subtotal*(1+contingency)"),
        ("Per parameter (USD)", "per_parameter", "=total/(params_b*10^9)"),
    ]
    rows = [["Training run"], *([label, value] for label, _, value in (*given, *steps))]
    known = {name: f"'Run'!$B${r}" for r, (_, name, _) in enumerate((*given, *steps), 2)}
    _book(path, {"Run": rows}, {"Run": {"B": "#,##0.00##"}}, known)


def tables(path: Path, rng: random.Random) -> None:
    """Excel Tables with structured references, a row of totals, and a second Table that looks into the first."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    p, s = book.add_worksheet("Prices"), book.add_worksheet("Usage")
    kinds = [["p5.48xlarge", 8, 55.04], ["p4d.24xlarge", 8, 21.96], ["g6.12xlarge", 4, 4.6], ["a3-high", 8, 88.25]]
    heads = ["Instance", "GPUs", "USD per hour", "USD per GPU-hour"]
    formula = "=Prices[[#This Row],[USD per hour]]/Prices[[#This Row],[GPUs]]"
    p.add_table(0, 0, 4, 3, {"name": "Prices", "data": kinds,
                             "columns": [{"header": h} for h in heads[:3]]
                             + [{"header": heads[3], "formula": formula}]})  # fmt: skip
    data = [[f"2027-{1 + n % 12:02d}", rng.choice(kinds)[0], rng.randrange(300, 9000)] for n in range(60)]
    columns = [
        {"header": "Month", "total_string": "Total"},
        {"header": "Instance"},
        {"header": "Hours", "total_function": "sum"},
        {
            "header": "Rate (USD/h)",
            "formula": "=INDEX(Prices[USD per hour],MATCH(Usage[[#This Row],[Instance]],Prices[Instance],0))",
        },
        {
            "header": "Cost (USD)",
            "formula": "=Usage[[#This Row],[Hours]]*Usage[[#This Row],[Rate (USD/h)]]",
            "total_function": "sum",
        },
        {
            "header": "Share",
            "formula": "=Usage[[#This Row],[Cost (USD)]]/SUM(Usage[Cost (USD)])",
            "total_function": "sum",
        },
    ]
    s.add_table(0, 0, 61, 5, {"name": "Usage", "columns": columns, "data": data, "total_row": True})
    m = book.add_worksheet("By instance")
    m.write_row(0, 0, ["Instance", "Hours", "Cost (USD)", "GPU-hours"])
    for r, (kind, *_) in enumerate(kinds, 2):
        m.write(r - 1, 0, kind)
        m.write_formula(r - 1, 1, f"=SUMIFS(Usage[Hours],Usage[Instance],A{r})")
        m.write_formula(r - 1, 2, f"=SUMIFS(Usage[Cost (USD)],Usage[Instance],A{r})")
        m.write_formula(r - 1, 3, f"=B{r}*INDEX(Prices[GPUs],MATCH(A{r},Prices[Instance],0))")
    m.write_row(5, 0, ["Total", "=SUM(B2:B5)", "=SUM(C2:C5)", "=SUM(D2:D5)"])
    book.close()


def arrays(path: Path, rng: random.Random) -> None:
    """Spilled and array formulas of Excel beside plain ones."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    s = book.add_worksheet("Jobs")
    s.write_row(0, 0, ["Job", "GPUs", "Hours", "USD per GPU-hour", "GPU-hours", "Cost (USD)"])
    for n in range(20):
        s.write_row(n + 1, 0, [f"job-{n:03d}", rng.choice([8, 16, 32]), rng.randrange(5, 400), rng.choice([2.1, 2.6])])
    s.write_dynamic_array_formula("E2:E21", "=B2:B21*C2:C21")
    s.write_dynamic_array_formula("F2:F21", "=E2:E21*D2:D21")
    s.write_row(22, 0, ["Total", "", "", "", "=SUM(E2:E21)", "=SUM(F2:F21)"])
    s.write(23, 0, "Average price")
    s.write_array_formula("F24:F24", "{=SUM(B2:B21*C2:C21*D2:D21)/SUM(B2:B21*C2:C21)}")
    s.write(24, 0, "Longest job (h)")
    s.write_formula("F25", "=MAX(C2:C21)")
    s.write(25, 0, "Cost of jobs above 100 h (USD)")
    s.write_formula("F26", "=SUMPRODUCT((C2:C21>100)*F2:F21)")
    book.close()


def google(path: Path, rng: random.Random) -> None:
    """As Google Sheets saves array formulas: a function that Excel lacks, with the result beside it."""
    hours, price = [rng.randrange(200, 3000) for _ in range(40)], [rng.choice([1.9, 2.4, 3.1]) for _ in range(40)]
    dummy = "=IFERROR(__xludf.DUMMYFUNCTION({0}),{1})"
    rows: list[list[Any]] = [["Team", "GPU-hours", "USD per GPU-hour", "Cost (USD)", "With support (USD)"]]
    for n in range(40):
        text = '"ARRAYFORMULA(B2:B41*C2:C41)"' if not n else '"""COMPUTED_VALUE"""'
        rows.append([f"team-{n + 1:02d}", hours[n], price[n], dummy.format(text, round(hours[n] * price[n], 2)),
                     f"=D{n + 2}*1.1"])  # fmt: skip
    rows.append(["Total", "=SUM(B2:B41)", "=D42/B42", "=SUM(D2:D41)", "=SUM(E2:E41)"])
    _book(path, {"Teams": rows}, {"Teams": dict.fromkeys("DE", "#,##0.00")}, {})


def unstored(path: Path, rng: random.Random) -> None:
    """A list of clusters as a script writes it, no value beside any formula."""
    head = ["Cluster", "Nodes", "GPUs per node", "Availability", "Reserved %", "Reserved rate ($/GPU-hr)",
            "On-demand rate ($/GPU-hr)", "GPUs", "Hours used / month", "Blended rate ($/GPU-hr)", "Monthly cost ($)",
            "Annual cost ($)"]  # fmt: skip

    def row(r: int) -> list[Any]:
        return [f"cluster-{r - 1}", rng.randrange(4, 60), 8, 0.98, round(rng.uniform(0.4, 0.9), 2),
                round(rng.uniform(1.6, 2.2), 2), round(rng.uniform(2.6, 3.4), 2), f"=B{r}*C{r}", f"=H{r}*730*D{r}",
                f"=E{r}*F{r}+(1-E{r})*G{r}", f"=I{r}*J{r}", f"=K{r}*12"]  # fmt: skip

    rows = list(_table(head, row, 2, 30))
    rows.append(["Total", "=SUM(B2:B31)", None, None, None, None, None, "=SUM(H2:H31)", "=SUM(I2:I31)", "=K32/I32",
                 "=SUM(K2:K31)", "=SUM(L2:L31)"])  # fmt: skip
    _book(path, {"Clusters": rows}, {"Clusters": {"D": "0%", "E": "0%", "K": "$#,##0", "L": "$#,##0"}}, {})


def currencies(path: Path, rng: random.Random) -> None:
    """Regions with prices in their own currencies, brought to dollars by a table of rates."""
    rates: Rows = [["Currency", "USD per unit", "As of"], ["USD", 1, dt.date(2026, 10, 1)],
                   ["EUR", 1.09, dt.date(2026, 10, 1)], ["GBP", 1.27, dt.date(2026, 10, 1)],
                   ["JPY", 0.0067, dt.date(2026, 10, 1)]]  # fmt: skip
    usual = {"USD": 2.5, "EUR": 2.4, "GBP": 2.1, "JPY": 380.0}
    head = ["Region", "Currency", "Price per GPU-hour, local", "GPU-hours", "Cost, local", "Rate", "Cost, USD",
            "Cost, EUR", "USD per GPU-hour"]  # fmt: skip

    def row(r: int) -> list[Any]:
        money = rng.choice([*usual])
        return [f"region-{r - 1}", money, round(usual[money] * rng.uniform(0.9, 1.1), 2), rng.randrange(1000, 90000),
                f"=C{r}*D{r}", f"=VLOOKUP(B{r},FX!$A$2:$B$5,2,FALSE)", f"=E{r}*F{r}", f"=G{r}/FX!$B$3",
                f"=G{r}/D{r}"]  # fmt: skip

    rows = list(_table(head, row, 2, 24))
    rows.append(["Total", None, None, "=SUM(D2:D25)", None, None, "=SUM(G2:G25)", "=SUM(H2:H25)", "=G26/D26"])
    _book(path, {"FX": rates, "Regions": rows}, {"Regions": {"G": "[$$-409]#,##0", "H": "[$€-2] #,##0"}}, {})


def cases(path: Path, rng: random.Random) -> None:
    """Three cases beside each other, a cell that chooses one, the formulas read the chosen column."""
    given = [
        ("Users (thousand)", (40, 55, 80)),
        ("Requests per user and day", (6, 8, 9)),
        ("Tokens per request", (900, 1200, 1500)),
        ("Cost per million tokens ($)", (0.9, 0.7, 0.5)),
        ("Price per user and month ($)", (9, 12, 14)),
        ("Paying share", (0.03, 0.05, 0.06)),
    ]
    rows: list[list[Any]] = [["Case (1 low, 2 base, 3 high)", 2], ["Assumption", "Chosen", "Low", "Base", "High"]]
    for r, (label, values) in enumerate(given, 3):
        rows.append([label, f"=CHOOSE($B$1,C{r},D{r},E{r})", *(round(v * rng.uniform(1, 1.05), 3) for v in values)])
    rows += [[], ["Result"], ["Tokens per month (billion)", "=B3*1000*B4*B5*30/1000000000"],
             ["Cost per month ($)", "=B11*1000*B6"], ["Revenue per month ($)", "=B3*1000*B8*B7"],
             ["Margin", "=(B13-B12)/B13"], ["Annual revenue ($)", "=B13*12"],
             ["Cost per paying user ($/month)", "=B12/(B3*1000*B8)"]]  # fmt: skip
    rows += [[], ["Sensitivity", "Low", "Base", "High"], ["Revenue per month ($)",
             *(f"={c}3*1000*{c}8*{c}7" for c in "CDE")]]  # fmt: skip
    _book(path, {"Model": rows}, {"Model": dict.fromkeys("BCDE", "#,##0.00")}, {})


def ledger(path: Path, rng: random.Random) -> None:
    """A cloud bill line by line with another unit in every row, and a pivot of it by month and service."""
    services = {"Compute": ("Hrs", 4.1), "Storage": ("GB-Mo", 0.023), "Egress": ("GB", 0.08),
                "Tokens": ("1K tokens", 0.002)}  # fmt: skip

    def row(r: int) -> list[Any]:
        name = rng.choice([*services])
        unit, rate = services[name]
        return [_day(r % 6), name, f"proj-{rng.randrange(5)}", rng.randrange(100, 90000), unit,
                round(rate * rng.uniform(0.9, 1.1), 5), f"=D{r}*F{r}",
                0 if r % 7 else 0.05, f"=G{r}*(1-H{r})"]  # fmt: skip

    head = ["Month", "Service", "Project", "Usage", "Unit", "Rate (USD)", "List cost (USD)", "Discount", "Cost (USD)"]
    rows = list(_table(head, row, 2, 150))
    pivot: list[list[Any]] = [["Cost (USD)", *(_day(m) for m in range(6)), "Total"]]
    for r, name in enumerate(services, 2):
        pivot.append([name, *(f"=SUMIFS(Bill!$I$2:$I$151,Bill!$B$2:$B$151,$A{r},Bill!$A$2:$A$151,{c}$1)"
                             for c in "BCDEFG"),
                      f"=SUM(B{r}:G{r})"])  # fmt: skip
    pivot.append(["Total", *(f"=SUM({c}2:{c}5)" for c in "BCDEFGH")])
    pivot.append(["Change", None, *(f"={b}6/{a}6-1" for a, b in zip("BCDEF", "CDEFG", strict=True))])
    pivot.append(["Check", "=ROUND(H6-SUM(Bill!I2:I151),2)"])
    _book(path, {"Bill": rows, "Pivot": pivot}, {"Bill": {"A": "yyyy-mm", "H": "0%"}, "Pivot": {}}, {})


def cash_flow(path: Path, rng: random.Random) -> None:
    """Buying a cluster: year 0 to 6 across, depreciation, NPV, IRR, payback, no units but in the title."""
    letters = "BCDEFGH"
    given = [["Cluster purchase, $ million"], ["Purchase", rng.choice([22, 31])], ["Life (years)", 5],
             ["Discount rate", 0.1], ["Rent saved, first year", rng.choice([9.5, 12.5])],
             ["Fall of rents a year", 0.12],
             ["Power and space", 1.4], ["Inflation", 0.03], ["Resale, share of purchase", 0.1], []]  # fmt: skip
    after = letters[1:]
    rows: list[list[Any]] = [["Year", *range(7)]]
    rows.append(["Purchase", "=-B2", *([0] * 6)])
    rows.append(["Rent saved", 0, "=B5", *(f"={p}13*(1-$B$6)" for p in after[:-1])])
    rows.append(["Power and space", 0, "=-B7", *(f"={p}14*(1+$B$8)" for p in after[:-1])])
    rows.append(["Depreciation", 0, *(f"=IF({c}$11<=$B$3,$B$2/$B$3,0)" for c in after)])
    rows.append(["Resale", *([0] * 6), "=B2*B9"])
    rows.append(["Cash flow", *(f"={c}12+{c}13+{c}14+{c}16" for c in letters)])
    rows.append(["Discount factor", *(f"=1/(1+$B$4)^{c}11" for c in letters)])
    rows.append(["Present value", *(f"={c}17*{c}18" for c in letters)])
    rows.append(["Cumulative", "=B17", *(f"={p}20+{c}17" for p, c in zip(letters, after, strict=False))])
    rows += [["NPV", "=B17+NPV(B4,C17:H17)"], ["IRR", "=IRR(B17:H17)"], ["NPV, by factors", "=SUM(B19:H19)"],
             ["Check", "=ROUND(B21-B23,6)"]]  # fmt: skip
    _book(path, {"Cash flow": given + rows}, {"Cash flow": dict.fromkeys(letters, "0.00;(0.00)")}, {})


LAYOUTS: dict[str, Callable[[Path, random.Random], None]] = {
    f.__name__: f
    for f in (months_down, quarters, german, names, tables, arrays, google, unstored, currencies, cases, ledger,
              cash_flow)
}  # fmt: skip
_WITHOUT_VALUES = ("unstored",)


def build(name: str, seed: int, folder: Path) -> Path:
    """A clean workbook in one of the layouts, its values stored unless its writer stores none."""
    path = folder / f"{name}_{seed}.xlsx"
    LAYOUTS[name](path, random.Random(f"{name} {seed}"))
    if name not in _WITHOUT_VALUES:
        store(path, computed(path))
    return path
