"""Values against the reference implementation: calls, steps of templates, arithmetic of other people's workbooks.

Expected values are worked out here, by hand: 6 x 70e9 x 15e12 = 6.3e24 FLOP; at 989 TFLOP/s and 40% over 3,600 seconds
that is 4,423,660 GPU-hours.
"""

import re

import pytest
import xlsxwriter
from test_upgrade import by_hand, of

from xl_econ.audit import checks  # noqa: F401  (they register themselves)
from xl_econ.audit.arithmetic import Evaluator
from xl_econ.audit.parsed import Unknown, tree
from xl_econ.audit.registry import CHECKS
from xl_econ.audit.subject import Subject
from xl_econ.templates import layout
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch

FLOP = 6 * 70e9 * 15e12
HOURS = FLOP / (989e12 * 0.4 * 3600)
COST = HOURS * 2.5
DAYS = HOURS / (2048 * 24)
INPUTS = [
    ("Parameters (B)", 70),
    ("Training tokens (T)", 15),
    ("Peak TFLOPS (dense)", 989),
    ("MFU", 0.4),
    ("Price ($/GPU-hour)", 2.5),
    ("Number of GPUs", 2048),
]
GOOD = [
    ("Training FLOPs (FLOP)", "=6*B2*1e9*B3*1e12", FLOP),
    ("GPU-hours", "=B8/(B4*1e12*B5*3600)", HOURS),
    ("Training days", "=B9/(B7*24)", DAYS),
    ("Training cost ($)", "=B9*B6", COST),
]
AT = {"flop": "B8", "hours": "B9", "days": "B10", "cost": "B11"}


def sheet(path, rows, names=()):
    with xlsxwriter.Workbook(str(path)) as book:
        ws = book.add_worksheet("Model")
        ws.write_row(0, 0, ["Quantity", "Value"])
        for n, (label, *held) in enumerate(rows, 1):
            ws.write_string(n, 0, label)
            if isinstance(held[0], str) and held[0].startswith("="):
                ws.write_formula(n, 1, held[0], None, held[1])
            else:
                ws.write(n, 1, held[0])
        for name, text in names:
            book.define_name(name, text)
    return path


def found(path):
    return [
        (f.cell, f.severity or "error", f.message, f.expected) for f in CHECKS["reference-value"].run(Subject(path))
    ]


def model(**changed):
    names = list(AT)
    return INPUTS + [
        (label, *changed.get(names[n], (formula, value))) for n, (label, formula, value) in enumerate(GOOD)
    ]


def test_a_clean_model_is_recognised_and_silent(tmp_path):
    path = sheet(tmp_path / "b.xlsx", model())
    assert found(path) == []
    known = {at: r.metric.name for (_, row, _), r in Subject(path).recognised.items() for at in [f"B{row}"]}
    assert known == {"B8": "TRAIN_FLOP", "B9": "GPU_HOURS", "B10": "TRAIN_DAYS", "B11": "TRAIN_COST"}
    inputs = Subject(path).recognised["Model", 11, 2].inputs
    assert inputs == {"params_b": 70, "tokens_t": 15, "peak_tflops": 989, "mfu": 0.4, "usd_per_gpu_hour": 2.5}


def test_one_formula_for_it_all(tmp_path):
    rows = [*INPUTS, ("Training cost ($)", "=6*B2*1e9*B3*1e12/(B4*1e12*B5*3600)*B6", COST)]
    path = sheet(tmp_path / "b.xlsx", rows)
    assert found(path) == []
    assert Subject(path).recognised["Model", 8, 2].metric.name == "TRAIN_COST"


SLIPS = {
    "the 6 is missing": ("flop", "=B2*1e9*B3*1e12", FLOP / 6, "6", FLOP),
    "2ND": ("flop", "=2*B2*1e9*B3*1e12", FLOP / 3, "forward pass", FLOP),
    "12ND": ("flop", "=12*B2*1e9*B3*1e12", FLOP * 2, "factor of 2", FLOP),
    "billions as millions": ("flop", "=6*B2*1e6*B3*1e12", FLOP / 1e3, "1e-3", FLOP),
    "no MFU": ("hours", "=B8/(B4*1e12*3600)", HOURS * 0.4, "mfu", HOURS),
    "MFU twice": ("hours", "=B8/(B4*1e12*B5*B5*3600)", HOURS / 0.4, "mfu", HOURS),
    "seconds": ("hours", "=B8/(B4*1e12*B5)", HOURS * 3600, "seconds", HOURS),
    "sparse": ("hours", "=B8/(2*B4*1e12*B5*3600)", HOURS / 2, "sparsity", HOURS),
    "hours of a day": ("days", "=B9/B7", DAYS * 24, "days", DAYS),
    "no accelerators": ("days", "=B9/24", DAYS * 2048, "gpus", DAYS),
    "cost without price": ("cost", "=B9", HOURS, "usd_per_gpu_hour", COST),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_found_where_they_are(slip, tmp_path):
    """Once, with what is expected: what is computed from a wrong step is not wrong itself."""
    step, formula, value, why, expected = SLIPS[slip]
    rows = model(**{step: (formula, value)})
    # What is computed from the slip follows it.
    scale = value / dict(zip(AT, (FLOP, HOURS, DAYS, COST), strict=True))[step]
    order = {"flop": ("hours", "days", "cost"), "hours": ("days", "cost"), "days": (), "cost": ()}[step]
    for n, name in enumerate(AT):
        if name in order:
            label, text, was = rows[6 + n]
            rows[6 + n] = (label, text, was * scale)
    ((cell, severity, message, right),) = found(sheet(tmp_path / "b.xlsx", rows))
    assert (cell, severity) == (AT[step], "error")
    assert why in message
    assert right == pytest.approx(expected)


def test_total_parameters_of_a_mixture(tmp_path):
    rows = [("Total parameters (B)", 671), ("Active parameters (B)", 37), ("Training tokens (T)", 14.8)]
    rows += [("Training FLOPs (FLOP)", "=6*B2*1e9*B4*1e12", 6 * 671e9 * 14.8e12)]
    ((cell, _, message, right),) = found(sheet(tmp_path / "b.xlsx", rows))
    assert cell == "B5"
    assert "mixture of experts" in message
    assert right == pytest.approx(6 * 37e9 * 14.8e12)


RUN = "6*B2*B3*1e21/(B4*1e12*B5*3600)"
OTHERS = {
    "with a contingency": [*INPUTS, ("Contingency", 0.1), ("Training cost ($)", f"={RUN}*B6*(1+B8)", COST * 1.1)],
    "another cost": [*INPUTS, ("Cost of data ($)", "=B3*1e6*2", 3e7)],
    "a rebate in the formula": [*INPUTS, ("Training cost ($)", f"={RUN}*B6*0.85", COST * 0.85)],
    "two prices": [*INPUTS, ("Spot price ($/GPU-hour)", 1.5), ("Training cost ($)", f"={RUN}*(B6+B8)/2", COST * 0.8)],
    "a lookup": [*INPUTS, ("Training cost ($)", "=VLOOKUP(B2,A2:B7,2,FALSE)", 12)],
    "a circle": [*INPUTS, ("Training cost ($)", "=B9*B6", 1), ("GPU-hours", "=B8/B6", 1)],
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_other_formulas_are_no_slips(other, tmp_path):
    assert [f for f in found(sheet(tmp_path / "b.xlsx", OTHERS[other])) if f[1] != "info"] == []


CALLS = [
    "=TRAIN_COST(B2,B3,B4,B5,B6)",
    "=_xludf.TRAIN_COST(B2,B3,B4,B5,B6)",
    "='C:\\Users\\me\\xl_econ.xlam'!TRAIN_COST(B2,B3,B4,B5,B6)",
    "=_xlfn.TRAIN_COST(B2,B3,B4,B5,B6,,)+0",
    "=GPU_HOURS(TRAIN_FLOP(B2,B3),B4,40%)*B6",
    "=ROUND(TRAIN_COST(B2,B3,989,2/5,2.5)/1,0)",
]


@pytest.mark.parametrize("call", CALLS)
def test_calls(call, tmp_path):
    value = round(COST) if "ROUND" in call else COST
    assert found(sheet(tmp_path / "good.xlsx", [*INPUTS, ("Budget", call, value)])) == []
    ((cell, severity, _, right),) = found(sheet(tmp_path / "bad.xlsx", [*INPUTS, ("Budget", call, COST * 1.01)]))
    assert (cell, severity) == ("B8", "error")
    assert right == pytest.approx(COST, abs=1)


def test_a_lambda_that_was_edited(tmp_path):
    """The core's function of that name and signature; one of other parameters is somebody else's."""
    rows = [*INPUTS, ("Hours", "=GPU_HOURS(1e24,B4,B5)", 1e24 / (989e12 * 0.4 * 3600) / 2)]
    said = "=_xlfn.LAMBDA(_xlpm.{},_xlpm.peak_tflops,_xlpm.mfu,_xlpm.flop/2/(_xlpm.peak_tflops*1E12*_xlpm.mfu*3600))"
    ours = sheet(tmp_path / "a.xlsx", rows, [("GPU_HOURS", said.format("flop"))])
    other = sheet(tmp_path / "b.xlsx", rows, [("GPU_HOURS", said.format("work"))])
    assert [f[0] for f in found(ours)] == ["B8"]
    assert found(other) == []


def test_arguments_that_cannot_be_told(tmp_path):
    rows = [*INPUTS, ("Budget", "=TRAIN_COST(OFFSET(B2,0,0),B3,B4,B5,B6)", 1.0), ("Mine", "=TRAIN_COST(B2:B3,1)", 1.0)]
    assert found(sheet(tmp_path / "b.xlsx", rows)) == []


def test_ranges_spill_element_by_element(tmp_path):
    path = tmp_path / "b.xlsx"
    right = [[n / 24] for n in (2400.0, 4800.0, 7200.0)]
    with xlsxwriter.Workbook(str(path)) as book:
        ws = book.add_worksheet("Model")
        ws.write_column("A1", [2400, 4800, 7200])
        ws.write_dynamic_array_formula("B1:B3", "=TRAIN_DAYS(A1:A3,1)", None, right[0][0])
        ws.write_number("B2", right[1][0])
        ws.write_number("B3", right[2][0] * 2)
    assert [(f[0], f[3]) for f in found(path)] == [("B3", 300.0)]


@pytest.mark.parametrize("name", ["training_budget", "gpu_buy_vs_rent"])
def test_steps_of_templates(name, tmp_path):
    """Every row of the calculation is compared, in every case, and a value that was typed into the file is found."""
    path = of(layout.load(name), tmp_path / "b.xlsx")
    subject = Subject(path)
    compared = [r for r in subject.recognised.values() if r.way == "step"]
    rows = {c.row for c in subject.book.sheets["Calculation"].cells.values() if c.formula}
    assert {r.cell.row for r in compared} == rows
    assert len(compared) == 4 * len(rows)
    assert found(path) == []
    assert any(r.metric and r.metric.name in ("TRAIN_COST", "GPU_TCO") and r.inputs for r in compared)


def test_a_step_with_another_value(tmp_path, monkeypatch):
    """Where no engine recomputes the workbook, the core still does; a formula that was edited is its own finding."""
    path = of(layout.load("training_budget"), tmp_path / "b.xlsx")
    book = Parts(path)
    text = book.read("xl/worksheets/sheet3.xml").decode()
    wrong = re.sub(r'(<c r="E10"[^>]*><f>[^<]*</f><v>)[^<]*', r"\g<1>123", text)
    assert wrong != text
    patch(book, tmp_path / "o.xlsx", {}, others={"xl/worksheets/sheet3.xml": wrong.encode()})
    subject = Subject(tmp_path / "o.xlsx")
    assert list(CHECKS["reference-value"].run(subject)) == []  # the engine says it
    monkeypatch.setattr(Subject, "computed", lambda *_: None)
    assert [f.cell for f in CHECKS["reference-value"].run(subject)] == ["E10"]
    edited = by_hand(path, lambda b: b["Calculation"].__setitem__("E10", "=E9*Inputs!E23*2"))
    assert found(edited) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("=-2^2", 4), ("=2^3^2", 64), ("=10%*50", 5), ("=-(1+2)*3", -9), ('="a""b"', 'a"b'), ("=IF(1>2,1,3)", 3),
        ("=SUM(1,2,PRODUCT(2,3))", 9), ("=ROUNDUP(1.21,1)", 1.3), ("=1e3/4", 250), ("=(1<2)+0", 1), ("=MAX(1,+2)", 2),
    ],
)  # fmt: skip
def test_arithmetic(key, value, tmp_path):
    subject = Subject(sheet(tmp_path / "b.xlsx", [("x", key, 0)]))
    assert Evaluator(subject.graph).of(subject.formulas[0]) == pytest.approx(value)


@pytest.mark.parametrize(
    "key", ["=LET(x,1,x)", "=1+", "=(1", "=A1:A2*2", "=1/0", '="a"*2', "=SUM(1)(2)", "={1,2}", "=LN(-1)"]
)
def test_what_is_not_known_has_no_value(key, tmp_path):
    subject = Subject(sheet(tmp_path / "b.xlsx", [("x", key, 0)]))
    with pytest.raises(Unknown):
        Evaluator(subject.graph).of(subject.formulas[0])


def test_deep_nesting_is_no_tree():
    assert tree("=" + "(" * 50_000 + "1" + ")" * 50_000) is None


WIDE = {
    # 700 W x 8,760 h / 1,000 x 0.08 USD x PUE 1.25 = 613.2 USD a year
    "power": (
        [("Board power (W)", 700), ("Electricity price (USD/kWh)", 0.08), ("PUE", 1.25)],
        ("Power cost (USD)", "=B2*8760/1000*B3*B4", 613.2),
        ("Power cost (USD)", "=B2*8760*B3*B4", 613200),
    ),
    # 2.5 USD / (1,000 token/s x 3,600 s x 0.5) x 1e6 = 1.3889 USD per M tokens
    "token cost": (
        [("Throughput (tokens/s)", 1000), ("Price ($/GPU-hour)", 2.5), ("Utilization", 0.5)],
        ("Cost per M tokens (USD)", "=B3/(B2*3600*B4)*1000000", 2.5 / 1.8),
        ("Cost per M tokens (USD)", "=B3/(B2*3600*B4)*1000", 2.5 / 1800),
    ),
    "effective rate": (
        [("Price ($/GPU-hour)", 2.5), ("Utilization", 0.5)],
        ("Effective price ($/GPU-hour)", "=B2/B3", 5.0),
        ("Effective price ($/GPU-hour)", "=B2*B3", 1.25),
    ),
    "margin": (
        [("API price per M tokens (USD)", 4), ("Cost per M tokens (USD)", 1)],
        ("Gross margin", "=1-B3/B2", 0.75),
        ("Gross margin", "=(1-B3/B2)*100", 75),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WIDE)
def test_other_metrics_are_known_by_their_arithmetic(name, tmp_path):
    inputs, right, wrong = WIDE[name]
    assert found(sheet(tmp_path / "a.xlsx", [*inputs, right])) == []
    recognised = Subject(tmp_path / "a.xlsx").recognised
    assert ("Model", len(inputs) + 2, 2) in recognised
    ((cell, severity, _, expected),) = found(sheet(tmp_path / "b.xlsx", [*inputs, wrong]))
    assert (cell, severity) == (f"B{len(inputs) + 2}", "error")
    assert expected == pytest.approx(right[2])


def test_a_power_bill_of_a_month_or_of_a_fleet_is_no_slip(tmp_path):
    rows = [*WIDE["power"][0], ("Number of GPUs", 8)]
    for n, (formula, value) in enumerate((("=B2*730/1000*B3*B4", 51.1), ("=B2*8760/1000*B3*B4*B5", 4905.6))):
        assert found(sheet(tmp_path / f"{n}.xlsx", [*rows, ("Power cost (USD)", formula, value)])) == []
