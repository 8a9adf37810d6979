"""Promise: the audit reads units as people write them, folds them over formulas, is silent where it knows none."""

from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter

from xl_econ.audit import run
from xl_econ.audit.figures import figures
from xl_econ.audit.quantities import accelerator, named
from xl_econ.audit.registry import every
from xl_econ.audit.units import Measure, in_format, in_label, read
from xl_econ.audit.vocabulary import recognise
from xl_econ.core.units import parse

UNITS = ["unit-clash", "unit-factor"]
BOUNDS = ["out-of-bounds", "percent-as-number", "sparse-peak"]
INPUTS = {
    "Watts": (700, "W"),
    "Kilowatts": (1.2, "kW"),
    "Hours": (8760, "h"),
    "Days": (30, "days"),
    "Electricity": (0.08, "$/kWh"),
    "Rate": (2.5, "$/GPU-hour"),
    "GPUs": (1024, "GPU"),
    "Purchase": (30000, "USD"),
    "Yearly": (1500, "USD/yr"),
    "PerM": (0.6, "$/M tokens"),
    "PerK": (0.0006, "$/K tokens"),
    "Mtok": (5000, "M tokens"),
    "Gigabytes": (80, "GB"),
    "Gibibytes": (80, "GiB"),
    "Link": (900, "Gbit/s"),
    "Share": (0.4, "share"),
    "Percent": (40, "%"),
    "Params": (70, "B params"),
    "Tokens": (15, "T tokens"),
    "Unknown": (3, ""),
}
# Formula, unit of its label, and how many times it is off; 0: of another kind, None: right.
FORMULAS = [
    ("=Watts*Hours", "kWh", 1000),
    ("=Watts*Hours/1000", "kWh", None),
    ("=Watts/1000*Hours*Electricity", "USD", None),
    ("=Watts*Hours*Electricity", "USD", 1000),
    ("=ROUND(Kilowatts*Hours*Electricity,2)", "USD", None),
    ("=Watts+Kilowatts", "W", 1000),
    ("=SUM(Watts,Kilowatts)", "W", 1000),
    ("=Watts+Kilowatts*1000", "W", None),
    ("=PerM*Mtok", "USD", None),
    ("=PerK*Mtok", "USD", 1000),
    ("=PerK*1000*Mtok", "USD", None),
    ("=Purchase+Yearly", "USD", 0),
    ("=Purchase+3*Yearly", "USD", None),
    ("=Purchase+Yearly*Unknown", "USD", None),
    ("=GPUs*Days", "GPU-h", 24),
    ("=GPUs*Days*24", "GPU-h", None),
    ("=IF(Days>Hours,1,0)", "", 24),
    ("=IF(Days*24>Hours,1,0)", "", None),
    ("=Rate*GPUs*Hours", "USD", None),
    ("=Rate*GPUs*Hours", "k USD", 1000),
    ("=Rate*GPUs*Hours/1000", "k USD", None),
    ("=Rate*GPUs*Hours/1E6", "$M", None),
    ("=Rate*GPUs*Hours*Share", "USD", None),
    ("=Rate*GPUs*Hours*Percent", "USD", 100),
    ("=Rate*GPUs*Hours*Percent/100", "USD", None),
    ("=Rate*GPUs*Hours*(1+Share)", "USD", None),
    ("=Gigabytes*8/Link", "s", None),
    ("=Gigabytes/Link", "s", 8),
    ("=Gigabytes+Gibibytes", "GB", 1.074),
    ("=6*Params*Tokens*1E21", "FLOP", None),
    ("=6*Params*Tokens", "FLOP", 1e21),
    ("=Yearly/12", "USD/month", None),
    ("=Yearly/8760", "USD/h", None),
    ("=Unknown*Watts", "kW", None),
    ("=MAX(Watts,Unknown)", "kW", None),
    ("=VLOOKUP(Unknown,Inputs!A1:C9,2)*Watts", "kW", None),
    ('=IF(Unknown>1,"a",Watts)&"b"', "kW", None),
    ("=Purchase", "kWh", 0),
    ("=-Watts^2/Watts", "kW", 1000),
    ("=Watts*10%", "W", None),
    ("=AVERAGE(Watts,Kilowatts*1000)", "kW", 1000),
    ("=TRAIN_COST(70,15,989.4,0.4,2.5)", "USD", None),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the unit checks find, by the row of the formula."""
    path = tmp_path_factory.mktemp("units") / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    inputs, calculation = book.add_worksheet("Inputs"), book.add_worksheet("Calculation")
    for row, (name, (value, unit)) in enumerate(INPUTS.items()):
        inputs.write_row(row, 0, [name.lower(), value, unit])
        book.define_name(name, f"=Inputs!$B${row + 1}")
    calculation.write_row(0, 0, ["Step", "Value", "Unit"])
    for row, (formula, unit, _) in enumerate(FORMULAS, 1):
        calculation.write(row, 0, f"step {row}")
        calculation.write_formula(row, 1, formula, None, 1)
        calculation.write(row, 2, unit)
    book.close()
    return {f.cell: f for f in run.findings(path, UNITS)}


@pytest.mark.parametrize(("row", "formula", "unit", "factor"), [(n, *f) for n, f in enumerate(FORMULAS, 2)])
def test_units_are_folded_over_formulas(row, formula, unit, factor, found):
    finding = found.get(f"B{row}")
    assert (finding is not None) == (factor is not None), finding
    if factor:
        times = f"{factor:,.4g} times" if factor < 1e5 else f"{factor:.3g} times"
        assert times in finding.message
    if factor is not None:
        assert formula in finding.message


def test_a_finding_names_the_evidence_of_both_sides(found):
    message = found["B7"].message  # watts and kilowatts
    assert "W (Inputs!C1)" in message
    assert "kW (Inputs!C2)" in message
    assert found["B7"].severity == "error"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("$/M tokens", "USD/Mtok"),
        ("USD per million tokens", "USD/Mtok"),
        ("US$/hr", "USD/h"),
        ("GPU-hours", "GPU-h"),
        ("kWh", "kWh"),
        ("TFLOPS", "TFLOP/s"),
        ("$M", "M*USD"),
        ("USD thousands", "k*USD"),
        ("GiB", "Gi*byte"),
        ("Gbit/s", "G*bit/s"),
        ("W/GPU", "W/GPU"),
        ("h/yr", "h/yr"),
    ],
)
def test_units_as_people_write_them(text, label):
    assert Measure.of(read(text)) == Measure.of(parse(label))
    assert Measure.of(in_label(f"Something ({text})")[0]) == Measure.of(parse(label))


@pytest.mark.parametrize("text", ["", "SXM", "see A", "Y1", "per hour", "a b c d", "x" * 80, "3-year", "notes", "/h"])
def test_what_is_no_unit(text):
    assert read(text) is None


@pytest.mark.parametrize(("key", "label"), [("tdp_w", "W"), ("usd_per_gpu_hour", "USD/GPU-h"), ("params_b", "B")])
def test_keys_end_in_their_unit(key, label):
    assert in_label(key)[0] == parse(label)


def test_a_bare_letter_is_no_unit_of_a_key():
    assert in_label("option_b") is None


def test_number_formats_show_units():
    assert in_format('#,##0.0 "kW"')[0] == parse("kW")
    assert in_format("0.0%")[0] == {}
    assert in_format('0.0,,"M"') is None
    assert in_format("General") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~3,500 A100-hours", [(3500, 3500, "A100")]),
        ("~50-100M H100-eq hours", [(50e6, 100e6, "H100")]),
        ("$200M-$1B+", [(200e6, float("inf"), "")]),
        ("~$3.50/hr ($30K/yr)", [(3.5, 3.5, ""), (30000, 30000, "")]),
        ("Power (700W, $0.06/kWh)", [(700, 700, ""), (0.06, 0.06, "")]),
        ("40-60%", [(0.4, 0.6, "")]),
        ("<50%", [(-float("inf"), 0.5, "")]),
        ("2.5 million", [(2.5e6, 2.5e6, "")]),
        ("p5.48xlarge, FP16, H100, a3-highgpu-8g", []),
        ("Unknown", []),
    ],
)
def test_figures_in_texts(text, expected):
    assert [(f.low, f.high, f.of) for f in figures(text)] == expected


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Model FLOPs utilization", "mfu"),
        ("GPU utilization", "utilization"),
        ("PUE", "pue"),
        ("Price per GPU-hour", "usd_per_gpu_hour"),
        ("usd_per_mtok", "usd_per_mtok"),
        ("Active parameters", "params_active"),
        ("Training tokens", "tokens"),
        ("Estimated GPU-hours", "gpu_hours"),
        ("Dense peak", "peak"),
        ("Number of GPUs", "gpus"),
        ("Break-even utilization", "breakeven_utilization"),
        ("MFU improvement", None),
        ("Output tokens per day", None),
        ("x" * 400, None),
    ],
)
def test_labels_are_recognised(label, kind):
    found = recognise(label)
    assert (found and found.name) == kind


def test_rows_of_reference_tables_are_named_in_texts():
    assert accelerator("H100 (p5.48xlarge, 8x)") == "H100 SXM 80GB"
    assert accelerator("nothing") == ""
    assert named("training_runs", "Llama 3 405B") == ("Llama 3.1 405B",)


def workbook(path, sheets):
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, str) and value.startswith("="):
                    sheet.write_formula(r, c, value, None, 1)
                elif value is not None:
                    sheet.write(r, c, value)
    book.close()
    return path


def audit(path, rows, only=None):
    found = run.findings(workbook(path / "b.xlsx", {"Model": rows}), only or ())
    return {(f.cell, f.check): f for f in found if f.check not in ("stored-value", "not-recomputed")}


def test_quantities_out_of_bounds(tmp_path):
    rows = [
        ["Assumption", "Value", "Unit"],
        ["Accelerator", "H100 SXM", None],
        ["Dense peak", 1979, "TFLOP/s"],
        ["MFU", 1.2, None],
        ["PUE", 0.9, None],
        ["GPU price", -2.5, "$/GPU-hour"],
        ["Utilization", 40, None],
        ["Goodput", 40, "%"],
        ["Result", "=B7*2", None],
    ]
    found = audit(tmp_path, rows, BOUNDS)
    assert {(*k, f.severity) for k, f in found.items()} == {
        ("B3", "sparse-peak", "error"),
        ("B4", "out-of-bounds", "error"),
        ("B5", "out-of-bounds", "error"),
        ("B6", "out-of-bounds", "error"),
        ("B7", "percent-as-number", "error"),
    }
    assert found["B3", "sparse-peak"].expected == 989.4


def test_a_percentage_that_formulas_divide_by_100_is_none(tmp_path):
    rows = [["Input", "Value"], ["Utilization", 40], ["Hours used", "=8760*B2/100"]]
    assert not audit(tmp_path, rows, BOUNDS)


RUN = [
    "Run",
    "Parameters (B)",
    "Tokens (T)",
    "GPU",
    "GPUs",
    "Days",
    "MFU",
    "GPU-hours",
    "Price ($/GPU-hr)",
    "Cost (USD)",
]


def test_runs_reconcile(tmp_path):
    """A run of 6 x 70e9 x 2e12 = 8.4e23 FLOP at 40% of 312 TFLOP/s takes 1.87M hours."""
    good = ["Own 70B", 70, 2, "A100", 2048, 38.05, 0.4, 1_869_658, 2, 3_739_316]
    assert not {k for k in audit(tmp_path, [RUN, good]) if k[1].startswith("run-")}
    for column, value, cell, check in (
        (7, 1_869.658, "H2", "run-hours"),  # thousands
        (6, 0.2, "H2", "run-hours"),  # half the MFU, hours not doubled
        (5, 38.05 / 24, "H2", "run-days"),
        (9, 3_739.316, "J2", "run-price"),  # in thousands
    ):
        bad = [*good]
        bad[column] = value
        assert (cell, check) in audit(tmp_path, [RUN, bad])


def test_total_parameters_of_a_mixture_used_as_active(tmp_path):
    rows = [["Model", "Active parameters (B)", "Training tokens (T)"], ["DeepSeek-V3", 671, 14.8]]
    found = audit(tmp_path, rows)["B2", "published-run"]
    assert found.severity == "error"
    assert found.expected == 37


def test_power_bills_reconcile(tmp_path):
    """700 W x 8,760 h x $0.06 are $367.92; a PUE of 1.5 makes them 551.88; 8 accelerators eight times as much."""
    rows = [["Item", "Value", "Unit"], ["TDP", 700, "W"], ["Electricity price", 0.06, "USD/kWh"]]
    for bill, wrong in ((368, False), (600, False), (1103.76, True), (367_920, True), (30, True)):
        found = audit(tmp_path, [*rows, ["Power", bill, "USD/yr"]])
        assert (("B4", "power-bill") in found) == wrong, bill
    assert ("B5", "power-bill") not in audit(tmp_path, [*rows, ["GPUs", 8, "GPU"], ["Power", 2943, "USD/yr"]])


def test_totals_and_margins_reconcile(tmp_path):
    """30,000 + 4,000 + 3 x (368 + 1,500) = 39,604; 1 - 0.40 / 1.00 = 60%."""
    owned = [
        ["Item", "3-year plan", "Unit"], ["Purchase", 30000, "USD"], ["Power", 368, "USD/yr"],
        ["Networking", 4000, "USD"], ["Facility", 1500, "USD/yr"],
    ]  # fmt: skip
    assert ("B6", "total-of-years") not in audit(tmp_path, [*owned, ["TCO", 39604, "USD"]])
    assert ("B6", "total-of-years") in audit(tmp_path, [*owned, ["TCO", 35868, "USD"]])
    priced = [["Item", "Value"], ["Price per million tokens", 1.0], ["Cost per million tokens", 0.4]]
    assert ("B4", "margin-clash") not in audit(tmp_path, [*priced, ["Gross margin", 0.6]])
    markup = audit(tmp_path, [*priced, ["Gross margin", 1.5]]).get(("B4", "margin-clash"))
    assert markup is not None
    assert "markup" in markup.message


def test_shares_that_do_not_add_up(tmp_path):
    rows = [["Part", "Share of cost"], ["GPUs", 0.6], ["Power", 0.2], ["Staff", 0.1]]
    assert ("B2", "share-of-total") in audit(tmp_path, rows)
    assert ("B2", "share-of-total") not in audit(tmp_path, [*rows, ["Other", 0.1], ["Total", 1]])


def test_prices_of_instances_among_prices_of_accelerators(tmp_path):
    rows = [
        ["Provider", "Instance", "On-demand ($/h)"], ["AWS", "p5.48xlarge (8x H100)", "$55.04/hr"],
        ["Lambda", "H100 SXM", "$3.99/hr/GPU"],
    ]  # fmt: skip
    assert ("C2", "mixed-price-units") in audit(tmp_path, rows)


ECONOMIC = [
    *UNITS, *BOUNDS, "run-hours", "run-price", "run-days", "published-run", "power-bill", "total-of-years",
    "share-of-total", "margin-clash", "idle-overhead", "mixed-price-units", "price-not-in-table",
]  # fmt: skip
ROOT = Path(__file__).parent.parent
CLEAN = sorted(ROOT.glob("templates/*.lambda.xlsx"))  # test_audit_checks runs every check over the plain ones


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_our_own_workbooks_have_no_such_findings(path):
    assert [f for f in run.findings(path, ECONOMIC) if f.severity != "info"] == []


def test_figures_in_another_currency_than_their_unit(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "b.xlsx"))
    sheet = book.add_worksheet()
    rows = [
        ("Price", "[$€-407] 0.00", "USD/h"),
        ("Rent", "[$$-409]0.00", "USD"),
        ("Staff", '"£"0', "GBP"),
        ("EUR", "€0", ""),
    ]
    sheet.write_row(0, 0, ["Driver", "Value", "Unit", "Source"])
    for row, (label, shown_in, unit) in enumerate(rows, 1):
        sheet.write(row, 0, label)
        sheet.write(row, 1, 2.5, book.add_format({"num_format": shown_in}))
        sheet.write_row(row, 2, [unit, "invoice"])
    book.close()
    assert {f.cell for f in run.findings(tmp_path / "b.xlsx", ["currency-clash"])} == {"B2"}


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("Cost per M tokens (USD)", "USD/Mtok"),
        ("Cost per million tokens, USD", "USD/Mtok"),
        ("Tokens per hour (M)", "Mtok/h"),
        ("Tokens a month (M)", "Mtok/month"),
        ("Tokens, M", "Mtok"),
        ("Staff per month (USD)", "USD/month"),
        ("Price per token (USD/Mtok)", "USD/Mtok"),
        ("Cost of a server (USD)", "USD/node"),
        ("Cost per customer (USD)", "USD"),
    ],
)
def test_words_of_a_label_complete_its_unit(label, unit):
    assert Measure.of(in_label(label)[0]) == Measure.of(parse(unit))


def test_energy_of_a_year_may_be_headed_by_energy_alone(tmp_path):
    rows = [["Month", "Energy (kWh)", "Energy (kWh/yr)"], ["Total", 120.0, 120.0], ["Check", "=B2-C2", None]]
    assert audit(tmp_path, rows, UNITS)["B3", "unit-clash"].severity == "warning"


def test_years_in_texts_and_ratios_of_totals_are_no_faults(tmp_path):
    rows = [["PUE", 1.3, "ratio", "Commissioning report 2025"], ["Tariff", 0.08, "USD/kWh", "Contract 2026"]]
    assert not audit(tmp_path, rows, BOUNDS)
    rows = [["GPU", "Use", "Cost", "Tokens", "Unit cost", "Share"]]
    rows += [[f"g{n}", n, n * 3.5, n + 4, f"=IF(D{n}>0,C{n}/D{n},0)", f"=B{n}/$B$8"] for n in range(2, 8)]
    rows += [["Total", "=SUM(B2:B7)", "=SUM(C2:C7)", "=SUM(D2:D7)", "=C8/D8", "=SUM(F2:F7)"]]
    rows += [["Average", None, None, None, "=AVERAGE(E2:E7)", None]]
    assert not audit(tmp_path, rows, ["formula-break", "range-short"])


def test_a_list_right_below_another_has_headings_of_its_own(tmp_path):
    rows = [["Accelerator", "Vendor", "Power (kW)", "PUE"], ["H100", "Intel", 0.7, 1.2], ["A100", "Intel", 0.4, 1.2]]
    last = ["B200", "Azure", -1, 1.2]
    assert "Power (kW): -1" in audit(tmp_path, [*rows, last], BOUNDS)["C4", "out-of-bounds"].message
    assert not audit(tmp_path, [*rows, ["Accelerator", "Cloud", "Price", "PUE"], last], BOUNDS)
    # A text that is no heading ends no list.
    assert list(audit(tmp_path, [*rows, ["H200", "Intel", "n/a", "tbd"], last], BOUNDS)) == [("C5", "out-of-bounds")]


@pytest.mark.parametrize("hours", [0, -5])
def test_runs_of_no_hours_end_no_audit(hours, tmp_path):
    audit(tmp_path, [RUN, ["Own 70B", 70, 2, "A100", 2048, 38.05, 0.4, hours, 2, 3_739_316]])


def test_a_check_that_fails_says_so_and_ends_no_audit(tmp_path, monkeypatch):
    def fail(subject):
        yield from ()
        raise ZeroDivisionError("of three")

    checks = every()
    monkeypatch.setitem(checks, "run-days", replace(checks["run-days"], run=fail))
    path = workbook(tmp_path / "b.xlsx", {"Model": [["PUE", 0.5]]})
    with pytest.raises(ZeroDivisionError):
        run.findings(path)
    monkeypatch.delenv(run.STRICT)
    found = {f.check: f for f in run.findings(path)}
    assert found["run-days"].severity == "info"
    assert "ZeroDivisionError: of three" in found["run-days"].message
    assert "out-of-bounds" in found
