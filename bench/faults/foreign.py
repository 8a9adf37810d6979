"""Workbooks as other people build them: five models of AI cost and capacity, clean, in the habits of their writers.

Months across or rows down, assumptions on a sheet of their own or beside the figures, literals such as 730 and 1000 in
formulas, few names, sources for some figures. None of it follows our conventions.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .draft import computed, store


def _column(n: int) -> str:
    letters = ""
    while n >= 0:
        n, rest = divmod(n, 26)
        letters, n = chr(65 + rest) + letters, n - 1
    return letters


def _months(count: int, year: int) -> list[dt.date]:
    return [dt.date(year + m // 12, m % 12 + 1, 1) for m in range(count)]


def _widen(book: Any) -> None:
    """Columns wide enough for their figures."""
    for sheet in book.worksheets:
        for cells in sheet.columns:
            sheet.column_dimensions[cells[0].column_letter].width = 18


def capacity(path: Path, rng: random.Random) -> None:
    """A 24-month GPU capacity plan: months across, assumptions on their own sheet."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    bold, pct = book.add_format({"bold": True, "bg_color": "#DDEBF7"}), book.add_format({"num_format": "0.0%"})
    month, whole = book.add_format({"num_format": "mmm yy", "bold": True}), book.add_format({"num_format": "#,##0"})
    money, given = (
        book.add_format({"num_format": "$#,##0"}),
        book.add_format({"font_color": "#0000FF", "num_format": "#,##0.00"}),
    )
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    a = book.add_worksheet("Assumptions")
    a.set_column(0, 0, 34)
    a.set_column(1, 2, 16)
    a.set_column(3, 3, 40)
    a.set_column(4, 4, 12)
    a.write_row(0, 0, ["Assumption", "Value", "Unit", "Source", "As of"], bold)
    rows: list[tuple[str, Any, str, str, dt.date]] = [
        (
            "Requests per day, first month",
            rng.randrange(200, 900) * 1000,
            "requests/day",
            "Product analytics",
            dt.date(2026, 9, 30),
        ),
        ("Monthly growth", rng.choice([0.04, 0.06, 0.08]), "%", "Board plan", dt.date(2026, 9, 1)),
        ("Tokens per request", rng.choice([1200, 1800, 2400]), "tokens", "Gateway logs", dt.date(2026, 9, 30)),
        ("Throughput per GPU", rng.choice([900, 1400, 2100]), "tokens/s", "Load test, vLLM", dt.date(2026, 8, 15)),
        ("Peak to average", 2.2, "factor", "Gateway logs", dt.date(2026, 9, 30)),
        ("Target utilization", 0.65, "%", "SRE guideline", dt.date(2026, 6, 1)),
        ("GPUs per node", 8, "GPU/node", "HGX H100", dt.date(2026, 6, 1)),
        (
            "Price per GPU-hour",
            rng.choice([2.1, 2.49, 2.95]),
            "USD/GPU-h",
            "Provider quote Q-1183",
            dt.date(2026, 10, 2),
        ),
        ("Annual price decline", 0.1, "%", "Finance", dt.date(2026, 9, 1)),
        ("Board power", 700, "W", "NVIDIA H100 datasheet", dt.date(2024, 3, 1)),
        ("PUE", rng.choice([1.2, 1.3, 1.35]), "factor", "Colocation contract", dt.date(2025, 11, 1)),
        ("Electricity tariff", rng.choice([0.08, 0.11]), "USD/kWh", "Utility bill", dt.date(2026, 8, 1)),
        ("Engineers", 6, "FTE", "HR", dt.date(2026, 9, 1)),
        ("Cost per engineer", 240000, "USD/yr", "HR", dt.date(2026, 9, 1)),
        ("Spare nodes", 0.05, "%", "SRE guideline", dt.date(2026, 6, 1)),
    ]
    for n, (label, value, unit, source, when) in enumerate(rows, 1):
        a.write(n, 0, label)
        a.write(n, 1, value, pct if unit == "%" else given)
        a.write(n, 2, unit)
        a.write(n, 3, source)
        a.write_datetime(n, 4, dt.datetime(when.year, when.month, when.day), day)
    at = {label: f"Assumptions!$B${n + 1}" for n, (label, *_) in enumerate(rows, 1)}
    s = book.add_worksheet("Capacity")
    s.set_column(0, 0, 32)
    s.set_column(1, 26, 13)
    s.freeze_panes(3, 2)
    s.write(0, 0, "GPU capacity plan", bold)
    s.write(2, 0, "Month", bold)
    s.write(2, 1, "Unit", bold)
    lines: list[tuple[str, str, Callable[[str, str], str], Any]] = [
        (
            "Requests per day",
            "requests/day",
            lambda c, p: f"={p}4*(1+{at['Monthly growth']})" if p else f"={at['Requests per day, first month']}",
            whole,
        ),
        ("Tokens per month", "M tokens", lambda c, _: f"={c}4*{at['Tokens per request']}*365/12/1000000", whole),
        ("Average load", "tokens/s", lambda c, _: f"={c}5*1000000/(730*3600)", whole),
        ("Peak load", "tokens/s", lambda c, _: f"={c}6*{at['Peak to average']}", whole),
        ("GPUs required", "GPU", lambda c, _: f"={c}7/({at['Throughput per GPU']}*{at['Target utilization']})", whole),
        (
            "Nodes in service",
            "nodes",
            lambda c, _: f"=ROUNDUP({c}8/{at['GPUs per node']}*(1+{at['Spare nodes']}),0)",
            whole,
        ),
        ("GPUs in service", "GPU", lambda c, _: f"={c}9*{at['GPUs per node']}", whole),
        ("GPU-hours", "GPU-h", lambda c, _: f"={c}10*730", whole),
        (
            "Price per GPU-hour",
            "USD/GPU-h",
            lambda c, p: f"={p}12*(1-{at['Annual price decline']})^(1/12)" if p else f"={at['Price per GPU-hour']}",
            given,
        ),
        ("Rental cost", "USD", lambda c, _: f"={c}11*{c}12", money),
        ("IT power", "kW", lambda c, _: f"={c}10*{at['Board power']}/1000", whole),
        ("Power at the meter", "kW", lambda c, _: f"={c}14*{at['PUE']}", whole),
        ("Energy", "kWh", lambda c, _: f"={c}15*730", whole),
        ("Energy cost", "USD", lambda c, _: f"={c}16*{at['Electricity tariff']}", money),
        ("Staff", "USD", lambda c, _: f"={at['Engineers']}*{at['Cost per engineer']}/12", money),
        ("Total cost", "USD", lambda c, _: f"=SUM({c}13,{c}17:{c}18)", money),
        ("Cumulative cost", "USD", lambda c, p: f"={p}20+{c}19" if p else f"={c}19", money),
        ("Cost per million tokens", "USD/M tokens", lambda c, _: f"={c}19/{c}5", given),
        ("Realised utilization", "%", lambda c, _: f"={c}6/({c}10*{at['Throughput per GPU']})", pct),
    ]
    for n, when in enumerate(_months(24, 2027)):
        s.write_datetime(2, 2 + n, dt.datetime(when.year, when.month, 1), month)
        c, p = _column(2 + n), _column(1 + n) if n else ""
        for r, (_, _, formula, look) in enumerate(lines):
            s.write_formula(3 + r, 2 + n, formula(c, p), look)
    for r, (label, unit, _, look) in enumerate(lines):
        s.write(3 + r, 0, label)
        s.write(3 + r, 1, unit)
        if unit in ("USD", "GPU-h", "kWh", "M tokens") and label != "Cumulative cost":
            s.write_formula(3 + r, 26, f"=SUM(C{r + 4}:Z{r + 4})", look)
    s.write(2, 26, "Total", bold)
    y = book.add_worksheet("Summary")
    y.set_column(0, 0, 28)
    y.set_column(1, 3, 16)
    y.write_row(0, 0, ["Summary", "2027", "2028", "Both"], bold)
    for n, (label, row) in enumerate(
        (
            ("Tokens, M", 5),
            ("GPU-hours", 11),
            ("Rental cost, USD", 13),
            ("Energy cost, USD", 17),
            ("Staff, USD", 18),
            ("Total cost, USD", 19),
        )
    ):
        y.write(n + 1, 0, label)
        y.write_formula(n + 1, 1, f"=SUM(Capacity!C{row}:N{row})", whole)
        y.write_formula(n + 1, 2, f"=SUM(Capacity!O{row}:Z{row})", whole)
        y.write_formula(n + 1, 3, f"=B{n + 2}+C{n + 2}", whole)
    y.write(8, 0, "Cost per million tokens, USD")
    for n in range(1, 4):
        y.write_formula(8, n, f"={_column(n)}7/{_column(n)}2", given)
    y.write(9, 0, "Check: years against total")
    y.write_formula(9, 3, "=IF(ABS(D7-Capacity!AA19)<0.01,0,1)")
    book.close()


def unit_cost(path: Path, rng: random.Random) -> None:
    """Unit cost of inference by deployment: rows down, a price list looked up, written by openpyxl."""
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    prices = book.active
    assert prices is not None
    prices.title = "GPU prices"
    prices.append(["GPU", "USD per GPU-hour", "Memory (GB)", "Board power (W)", "Source", "Quoted"])
    gpus = [
        ("A100 80GB", 1.79, 80, 400),
        ("H100 SXM", 2.69, 80, 700),
        ("H200 SXM", 3.45, 141, 700),
        ("B200", 4.99, 180, 1000),
        ("L40S", 0.99, 48, 350),
        ("MI300X", 2.49, 192, 750),
    ]
    rng.shuffle(gpus)
    for name, price, memory, watts in gpus:
        prices.append(
            [
                name,
                round(price * rng.uniform(0.9, 1.1), 2),
                memory,
                watts,
                "Provider price list",
                dt.date(2026, rng.randrange(6, 11), 5),
            ]
        )
    s = book.create_sheet("Deployments")
    s["A1"], s["A2"], s["B2"] = "Unit cost of inference", "Overhead on GPU price", 0.12
    s["A3"], s["B3"], s["C3"] = "Target gross margin", 0.6, "%"
    s.append([])
    s.append(
        [
            "Deployment",
            "Model",
            "GPU",
            "GPUs",
            "USD per GPU-hour",
            "Throughput (tokens/s)",
            "Utilization",
            "Tokens per hour (M)",
            "Cost per hour (USD)",
            "Cost per M tokens (USD)",
            "API price per M tokens (USD)",
            "Margin",
            "Tokens a month (M)",
            "Cost a month (USD)",
            "Revenue a month (USD)",
            "Power (kW)",
        ]
    )
    models = ["Llama 70B", "Qwen 32B", "Mistral 24B", "DeepSeek V3", "Gemma 27B", "GPT-OSS 120B"]
    first, last = 6, 6 + 17
    for r in range(first, last + 1):
        gpu = rng.choice(gpus)[0]
        count = rng.choice([2, 4, 8])
        s.append(
            [
                f"{rng.choice(['eu', 'us', 'ap'])}-{r - 5:02d}",
                rng.choice(models),
                gpu,
                count,
                f"=VLOOKUP(C{r},'GPU prices'!$A$2:$F$7,2,FALSE)*(1+$B$2)",
                count * rng.randrange(500, 1500),
                round(rng.uniform(0.35, 0.8), 2),
                f"=F{r}*3600*G{r}/1000000",
                f"=D{r}*E{r}",
                f"=I{r}/H{r}",
                round(rng.uniform(1.2, 6.5), 2),
                f"=1-J{r}/K{r}",
                f"=H{r}*730",
                f"=I{r}*730",
                f"=M{r}*K{r}",
                f"=D{r}*VLOOKUP(C{r},'GPU prices'!$A$2:$F$7,4,FALSE)/1000",
            ]
        )
    t = last + 1
    s.append(
        [
            "Total",
            None,
            None,
            f"=SUM(D{first}:D{last})",
            None,
            f"=SUM(F{first}:F{last})",
            None,
            f"=SUM(H{first}:H{last})",
            f"=SUM(I{first}:I{last})",
            f"=I{t}/H{t}",
            None,
            f"=1-N{t}/O{t}",
            f"=SUM(M{first}:M{last})",
            f"=SUM(N{first}:N{last})",
            f"=SUM(O{first}:O{last})",
            f"=SUM(P{first}:P{last})",
        ]
    )
    s.append(
        [
            "Average",
            None,
            None,
            None,
            f"=AVERAGE(E{first}:E{last})",
            None,
            f"=AVERAGE(G{first}:G{last})",
            None,
            None,
            f"=AVERAGE(J{first}:J{last})",
            f"=AVERAGE(K{first}:K{last})",
        ]
    )
    for cell in s[5]:
        cell.font = Font(bold=True)
    for row in s.iter_rows(min_row=first, max_row=t + 1):
        for cell in row:
            cell.number_format = "0%" if cell.column in (7, 12) else "#,##0.00" if cell.column > 4 else "General"
    q = book.create_sheet("By GPU")
    q.append(
        ["GPU", "GPUs in use", "Cost a month (USD)", "Tokens a month (M)", "Cost per M tokens (USD)", "Share of fleet"]
    )
    for n, (name, *_) in enumerate(gpus, 2):
        q.append(
            [
                name,
                f"=SUMIF(Deployments!$C${first}:$C${last},A{n},Deployments!$D${first}:$D${last})",
                f"=SUMIF(Deployments!$C${first}:$C${last},A{n},Deployments!$N${first}:$N${last})",
                f"=SUMIF(Deployments!$C${first}:$C${last},A{n},Deployments!$M${first}:$M${last})",
                f"=IF(D{n}>0,C{n}/D{n},0)",
                f"=B{n}/$B$8",
            ]
        )
    q.append(["Total", "=SUM(B2:B7)", "=SUM(C2:C7)", "=SUM(D2:D7)", "=C8/D8", "=SUM(F2:F7)"])
    q["A10"], q["B10"] = "Check: cost against Deployments", f"=IF(ABS(C8-Deployments!N{t})<0.01,0,1)"
    _widen(book)
    book.save(path)


def training(path: Path, rng: random.Random) -> None:
    """A training budget: a list of runs with a table of GPU prices, totals below, a schedule beside."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    bold, number = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "#,##0.0"})
    sci, money, pct = (
        book.add_format({"num_format": "0.00E+00"}),
        book.add_format({"num_format": "#,##0"}),
        book.add_format({"num_format": "0%"}),
    )
    p = book.add_worksheet("Price table")
    head = ["GPU", "Peak BF16 dense (TFLOP/s)", "USD per GPU-hour", "TDP (W)", "Source", "As of"]
    data = [
        ["A100 SXM", 312, 1.6, 400, "Provider list", "2026-09"],
        ["H100 SXM", 989.4, 2.4, 700, "Provider list", "2026-09"],
        ["H200 SXM", 989.4, 3.1, 700, "Provider list", "2026-10"],
        ["B200", 2250, 5.2, 1000, "Quote 7781", "2026-10"],
        ["MI300X", 1307.4, 2.2, 750, "Provider list", "2026-08"],
    ]
    rng.shuffle(data)
    p.add_table(0, 0, 5, 5, {"name": "GpuPrices", "columns": [{"header": h} for h in head], "data": data})
    p.set_column(0, 5, 18)
    s = book.add_worksheet("Runs")
    s.set_column(0, 0, 30)
    s.set_column(1, 17, 16)
    s.write_row(0, 0, ["Contingency", 0.15])
    s.write_row(1, 0, ["Staff per month (USD)", rng.choice([180000, 220000])])
    s.write_row(2, 0, ["Storage price (USD/GB/month)", 0.02])
    s.write_row(
        4,
        0,
        [
            "Run",
            "GPU",
            "Parameters (B)",
            "Tokens (T)",
            "FLOP",
            "Peak (TFLOP/s)",
            "MFU",
            "GPU-hours",
            "GPUs",
            "Days",
            "USD per GPU-hour",
            "Compute cost (USD)",
            "Contingency (USD)",
            "Data (GB)",
            "Storage (USD)",
            "Energy (kWh)",
            "Cost of the run (USD)",
            "Share of budget",
        ],
        bold,
    )
    names = [
        "Ablation 1B",
        "Ablation 3B",
        "Tokenizer sweep",
        "Scaling 7B",
        "Scaling 13B",
        "Data mix A",
        "Data mix B",
        "Mid-train 30B",
        "Flagship 70B",
        "Long context",
        "SFT",
        "RL",
        "Distill 8B",
        "Eval refresh",
    ]
    first, last = 6, 5 + len(names)
    s.data_validation(first - 1, 1, last - 1, 1, {"validate": "list", "source": "='Price table'!$A$2:$A$6"})
    for n, name in enumerate(names):
        r = first + n
        params = [1, 3, 1.5, 7, 13, 7, 7, 30, 70, 70, 70, 70, 8, 8][n]
        s.write_row(
            r - 1,
            0,
            [
                name,
                rng.choice(data)[0],
                params,
                round(rng.uniform(0.05, 2.5) if params < 60 else rng.uniform(0.5, 12), 2),
            ],
        )
        s.write_formula(r - 1, 4, f"=6*C{r}*1E9*D{r}*1E12".replace("1E9", "10^9").replace("1E12", "10^12"), sci)
        s.write_formula(r - 1, 5, f"=INDEX('Price table'!$B$2:$B$6,MATCH(B{r},'Price table'!$A$2:$A$6,0))", number)
        s.write(r - 1, 6, round(rng.uniform(0.3, 0.45), 2), pct)
        s.write_formula(r - 1, 7, f"=E{r}/(F{r}*10^12*G{r}*3600)", money)
        s.write(r - 1, 8, rng.choice([64, 128, 256, 512, 1024]))
        s.write_formula(r - 1, 9, f"=H{r}/I{r}/24", number)
        s.write_formula(r - 1, 10, f"=INDEX('Price table'!$C$2:$C$6,MATCH(B{r},'Price table'!$A$2:$A$6,0))", number)
        s.write_formula(r - 1, 11, f"=H{r}*K{r}", money)
        s.write_formula(r - 1, 12, f"=L{r}*$B$1", money)
        s.write_formula(r - 1, 13, f"=D{r}*10^12*4/10^9", money)
        s.write_formula(r - 1, 14, f"=N{r}*$B$3*J{r}/30", money)
        s.write_formula(
            r - 1, 15, f"=H{r}*INDEX('Price table'!$D$2:$D$6,MATCH(B{r},'Price table'!$A$2:$A$6,0))/1000", money
        )
        s.write_formula(r - 1, 16, f"=SUM(L{r}:M{r})+O{r}", money)
        s.write_formula(r - 1, 17, f"=Q{r}/$Q${last + 1}", pct)
    s.write(last, 0, "Total", bold)
    for c in (4, 7, 11, 12, 14, 15, 16, 17):
        letter = _column(c)
        s.write_formula(last, c, f"=SUM({letter}{first}:{letter}{last})", pct if c == 17 else money)
    s.write_row(last + 1, 0, ["Months"])
    s.write_formula(last + 1, 16, f"=ROUNDUP(MAX(J{first}:J{last})/30,0)")
    s.write_row(last + 2, 0, ["Staff (USD)"])
    s.write_formula(last + 2, 16, f"=Q{last + 2}*$B$2", money)
    s.write_row(last + 3, 0, ["Programme (USD)"])
    s.write_formula(last + 3, 16, f"=Q{last + 1}+Q{last + 3}", money)
    b = book.add_worksheet("By GPU")
    b.set_column(0, 4, 16)
    b.write_row(0, 0, ["GPU", "GPU-hours", "Cost (USD)", "USD per GPU-hour", "Energy (kWh)"], bold)
    for n, d in enumerate(data, 2):
        b.write(n - 1, 0, d[0])
        b.write_formula(n - 1, 1, f"=SUMIF(Runs!$B${first}:$B${last},A{n},Runs!$H${first}:$H${last})", money)
        b.write_formula(n - 1, 2, f"=SUMIF(Runs!$B${first}:$B${last},A{n},Runs!$L${first}:$L${last})", money)
        b.write_formula(n - 1, 3, f"=IF(B{n}=0,0,C{n}/B{n})", number)
        b.write_formula(n - 1, 4, f"=SUMIF(Runs!$B${first}:$B${last},A{n},Runs!$P${first}:$P${last})", money)
    b.write(6, 0, "Total", bold)
    for c in (1, 2, 4):
        b.write_formula(6, c, f"=SUM({_column(c)}2:{_column(c)}6)", money)
    b.write(7, 0, "Check against runs")
    b.write_formula(7, 2, f"=ROUND(C7-Runs!L{last + 1},2)")
    book.close()


def pnl(path: Path, rng: random.Random) -> None:
    """The P&L of an AI product with its GPU cost: 12 months, quarters and a year, names for the drivers."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    bold, money, pct = (
        book.add_format({"bold": True}),
        book.add_format({"num_format": "#,##0;(#,##0)"}),
        book.add_format({"num_format": "0.0%"}),
    )
    price = book.add_format({"num_format": "0.00"})
    d = book.add_worksheet("Drivers")
    d.set_column(0, 0, 36)
    d.write_row(0, 0, ["Driver", "Value", "Unit", "Source"], bold)
    drivers = [
        ("Opening customers", "opening_customers", rng.randrange(800, 2000), "customers", "CRM"),
        ("New customers a month", "new_customers", rng.randrange(60, 150), "customers/month", "Sales plan"),
        ("Monthly churn", "churn", 0.021, "%", "CRM, trailing 12 months"),
        ("Price per customer", "arpu", rng.choice([249, 399]), "USD/month", "Price list 2026"),
        ("Tokens per customer", "tokens_per_customer", rng.choice([9, 14, 22]), "M tokens/month", "Gateway logs"),
        ("Tokens per GPU-hour", "tokens_per_gpu_hour", rng.choice([3.2, 4.1]), "M tokens/GPU-h", "Load test"),
        ("Price per GPU-hour", "gpu_price", rng.choice([2.2, 2.6]), "USD/GPU-h", "Contract 2026-04"),
        ("GPU utilization", "gpu_utilization", 0.55, "%", "Observability"),
        ("API calls to third parties", "api_cost_per_customer", 11.5, "USD/customer/month", "Invoices"),
        ("Payment fees", "payment_fees", 0.029, "% of revenue", "Stripe"),
        ("Support cost per customer", "support_cost", 18, "USD/month", "Finance"),
        ("Engineers", "engineers", 14, "FTE", "HR"),
        ("Sales people", "sales_people", 7, "FTE", "HR"),
        ("Cost of an engineer", "engineer_cost", 210000, "USD/yr", "HR"),
        ("Cost of a sales person", "sales_cost", 165000, "USD/yr", "HR"),
        ("Rent and other", "rent", 42000, "USD/month", "Finance"),
        ("Marketing", "marketing_share", 0.12, "% of revenue", "Board plan"),
    ]
    for n, (label, name, value, unit, source) in enumerate(drivers, 1):
        d.write_row(n, 0, [label])
        d.write(n, 1, value, pct if unit.startswith("%") else None)
        d.write_row(n, 2, [unit, source])
        book.define_name(name, f"=Drivers!$B${n + 1}")
    s = book.add_worksheet("P&L")
    s.set_column(0, 0, 30)
    s.set_column(1, 18, 12)
    s.write(0, 0, "P&L, USD", bold)
    lines: list[tuple[str, Any, Any]] = [
        ("Customers, start", lambda c, p: f"={p}7" if p else "=opening_customers", money),
        ("New", lambda c, _: "=new_customers", money),
        ("Churned", lambda c, _: f"=-{c}4*churn", money),
        ("Customers, end", lambda c, _: f"=SUM({c}4:{c}6)", money),
        ("Revenue", lambda c, _: f"=AVERAGE({c}4,{c}7)*arpu", money),
        ("Tokens (M)", lambda c, _: f"=AVERAGE({c}4,{c}7)*tokens_per_customer", money),
        ("GPU-hours", lambda c, _: f"={c}9/(tokens_per_gpu_hour*gpu_utilization)", money),
        ("GPU cost", lambda c, _: f"={c}10*gpu_price", money),
        ("API cost", lambda c, _: f"=AVERAGE({c}4,{c}7)*api_cost_per_customer", money),
        ("Payment fees", lambda c, _: f"={c}8*payment_fees", money),
        ("Support", lambda c, _: f"=AVERAGE({c}4,{c}7)*support_cost", money),
        ("Cost of revenue", lambda c, _: f"=SUM({c}11:{c}14)", money),
        ("Gross profit", lambda c, _: f"={c}8-{c}15", money),
        ("Gross margin", lambda c, _: f"={c}16/{c}8", pct),
        ("Engineering", lambda c, _: "=engineers*engineer_cost/12", money),
        ("Sales", lambda c, _: "=sales_people*sales_cost/12", money),
        ("Marketing", lambda c, _: f"={c}8*marketing_share", money),
        ("Rent and other", lambda c, _: "=rent", money),
        ("Operating cost", lambda c, _: f"=SUM({c}18:{c}21)", money),
        ("EBITDA", lambda c, _: f"={c}16-{c}22", money),
        ("EBITDA margin", lambda c, _: f"={c}23/{c}8", pct),
        ("GPU cost per M tokens", lambda c, _: f"={c}11/{c}9", price),
        ("GPU cost of revenue", lambda c, _: f"={c}11/{c}8", pct),
        ("Check", lambda c, _: f"=ROUND({c}8-{c}15-{c}22-{c}23,2)", money),
    ]
    for r, (label, formula, look) in enumerate(lines):
        s.write(3 + r, 0, label, bold if label in ("Revenue", "Gross profit", "EBITDA") else None)
        for m in range(12):
            s.write_formula(3 + r, 1 + m, formula(_column(1 + m), _column(m) if m else ""), look)
        ratio = {
            "Gross margin": (16, 8),
            "EBITDA margin": (23, 8),
            "GPU cost per M tokens": (11, 9),
            "GPU cost of revenue": (11, 8),
        }.get(label)
        for q in range(5):
            col = 14 + q
            c = _column(col)
            first, last = (_column(1 + 3 * q), _column(3 + 3 * q)) if q < 4 else ("O", "R")
            row = r + 4
            if ratio:
                s.write_formula(3 + r, col, f"={c}{ratio[0]}/{c}{ratio[1]}", look)
            elif label == "Customers, start":
                s.write_formula(3 + r, col, f"={first}{row}", look)
            elif label == "Customers, end":
                s.write_formula(3 + r, col, f"={last}{row}", look)
            else:
                s.write_formula(3 + r, col, f"=SUM({first}{row}:{last}{row})", look)
    s.write_row(2, 0, ["Month", *[f"{m:%b %Y}" for m in _months(12, 2027)], "", "Q1", "Q2", "Q3", "Q4", "2027"], bold)
    book.close()


def power(path: Path, rng: random.Random) -> None:
    """Power of a data centre: racks as rows in two halls with subtotals, a monthly bill, written by openpyxl."""
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    s = book.active
    assert s is not None
    s.title = "Racks"
    given = [
        ("PUE", rng.choice([1.18, 1.28, 1.4]), "ratio", "Commissioning report 2025"),
        ("Tariff", rng.choice([0.07, 0.095]), "USD/kWh", "Supply contract 2026"),
        ("Demand charge", 12.5, "USD/kW/month", "Supply contract 2026"),
        ("Diversity factor", 0.85, "ratio", "Design basis"),
        ("Carbon intensity", 0.31, "kg/kWh", "Grid operator 2025"),
    ]
    for label, value, unit, source in given:
        s.append([label, value, unit, source])
    s.append([])
    s.append(
        [
            "Rack",
            "Servers",
            "Power per server (W)",
            "Load factor",
            "IT power (kW)",
            "Power at meter (kW)",
            "Energy (kWh/yr)",
            "Energy cost (USD/yr)",
            "Demand cost (USD/yr)",
            "Breaker (kW)",
            "Headroom (kW)",
            "CO2 (t/yr)",
        ]
    )
    subtotals = []
    r = 8
    for hall, racks in (("Hall A", 14), ("Hall B", 11)):
        s.append([hall])
        r += 1
        first = r
        for n in range(racks):
            s.append(
                [
                    f"{hall[-1]}{n + 1:02d}",
                    rng.choice([4, 6, 8]),
                    rng.choice([5600, 8400, 10200]),
                    round(rng.uniform(0.55, 0.9), 2),
                    f"=B{r}*C{r}/1000",
                    f"=E{r}*$B$1",
                    f"=F{r}*8760*D{r}",
                    f"=G{r}*$B$2",
                    f"=F{r}*$B$4*$B$3*12",
                    120,
                    f"=J{r}-E{r}",
                    f"=G{r}*$B$5/1000",
                ]
            )
            r += 1
        s.append(
            [
                f"Total {hall}",
                f"=SUM(B{first}:B{r - 1})",
                None,
                None,
                *[f"=SUM({c}{first}:{c}{r - 1})" for c in "EFGHIJKL"],
            ]
        )
        subtotals.append(r)
        r += 1
    a, b = subtotals
    s.append(["Total site", f"=B{a}+B{b}", None, None, *[f"={c}{a}+{c}{b}" for c in "EFGHIJKL"]])
    for cell in s[7]:
        cell.font = Font(bold=True)
    for row in s.iter_rows(min_row=8, min_col=5):
        for cell in row:
            cell.number_format = "#,##0.0"
    m = book.create_sheet("Monthly bill")
    m.append(
        [
            "Month",
            "Days",
            "Energy (kWh)",
            "Energy cost (USD)",
            "Demand cost (USD)",
            "Total (USD)",
            "USD per kWh",
            "Cumulative (USD)",
        ]
    )
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for n, when in enumerate(_months(12, 2027)):
        k = n + 2
        m.append(
            [
                when,
                days[n],
                f"=Racks!$G${r}*B{k}/365",
                f"=C{k}*Racks!$B$2",
                f"=Racks!$I${r}/12",
                f"=D{k}+E{k}",
                f"=F{k}/C{k}",
                f"=F{k}" if not n else f"=H{k - 1}+F{k}",
            ]
        )
    m.append(["Year", "=SUM(B2:B13)", "=SUM(C2:C13)", "=SUM(D2:D13)", "=SUM(E2:E13)", "=SUM(F2:F13)", "=F14/C14"])
    m.append(["Check", None, f"=ROUND(C14-Racks!G{r},0)"])
    for row in m.iter_rows(min_row=2, max_row=13):
        row[0].number_format = "mmm yyyy"
        for cell in row[2:]:
            cell.number_format = "#,##0.00"
    _widen(book)
    book.save(path)


MODELS: dict[str, Callable[[Path, random.Random], None]] = {
    "capacity": capacity,
    "unit_cost": unit_cost,
    "training": training,
    "pnl": pnl,
    "power": power,
}


def build(name: str, seed: int, folder: Path) -> Path:
    """A clean model with the values beside its formulas stored."""
    path = folder / f"{name}_{seed}.xlsx"
    MODELS[name](path, random.Random(f"{name} {seed}"))
    store(path, computed(path))
    return path
