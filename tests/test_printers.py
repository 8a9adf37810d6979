"""What the printers write: precedence, literals, names, and 1,000 random trees against two engines."""

import contextlib
import random
import re

import numpy as np
import pytest
from conftest import ENGINES
from support import Sheet, close

from xl_econ.core import ops
from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Expr, var
from xl_econ.core.quantities import Usd
from xl_econ.core.registry import metric
from xl_econ.metrics import REGISTRY, get
from xl_econ.printers import excel, latex, markdown

x, y, z = var("x"), var("y"), var("z")


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (-(x**2), "-1*(x^2)"),  # Excel would read -x^2 as (-x)^2
        ((-x) ** 2, "(-x)^2"),
        (x ** (y**z), "x^(y^z)"),  # Excel would read x^y^z as (x^y)^z
        ((x**y) ** z, "x^y^z"),
        (x - (y - z), "x-(y-z)"),
        (x - (y + z), "x-(y+z)"),
        (x / (y * z), "x/(y*z)"),
        (x / (y / z), "x/(y/z)"),
        ((x + y) * z, "(x+y)*z"),
        (x * -y, "x*(-y)"),
        (-(x / y), "-1*(x/y)"),  # IronCalc 0.9 loads -(x/y) as -x/y
        (ops.where(x > y, 1.0, 2.0), "IF(x>y,1,2)"),
        (ops.roundup(x / y), "ROUNDUP(ROUND(x/y,9),0)"),
        (ops.rounddown(x / y), "ROUNDDOWN(ROUND(x/y,9),0)"),
        (ops.maximum(x, y, z), "MAX(x,y,z)"),
        (ops.expm1(x + y), "IF(EXP((x+y))=1,(x+y),(EXP((x+y))-1)*(x+y)/LN(EXP((x+y))))"),
        (ops.weighted_sum(x, y, 1.0), "SUMPRODUCT(x,y,(1)+0*(y))"),
        (ops.choose(x, {"a": y, 'b"': z}), 'CHOOSE(MATCH(x,{"a","b"""},0),y,z)'),
        (ops.join(x, "a", y), 'x&"|"&"a"&"|"&y'),
        (ops.join(x, y) == z, '(x&"|"&y)=z'),
        (x * 1e-12, "x*1E-12"),
        (x * 1e21, "x*1E+21"),
    ],
)
def test_text(e, text):
    assert excel.formula(e) == text


def test_texts_are_joined_to_a_key_everywhere():
    joined = ops.join(x, y)
    assert markdown.text(joined) == 'x & "|" & y'
    assert latex.show(joined).count(r"\text{|}") == 1
    assert ops.evaluate(joined, {"x": "AWS", "y": "H100"}) == ops.join("AWS", "H100") == "AWS|H100"
    assert ops.join(np.array(["a", "b"], object), "c").tolist() == ["a|c", "b|c"]


def test_literals_hold_fifteen_digits():
    with pytest.raises(TraceError, match="needs more than Excel's 15 digits"):
        excel.formula(x * 0.1234567890123456)
    assert excel.literal('say "no"') == '"say ""no"""'


def test_an_unknown_operation_is_refused_by_every_printer():
    unknown = Expr("nonsense", x)
    for show in (excel.formula, latex.show, markdown.text):
        with pytest.raises(TraceError, match="nonsense"):
            show(unknown)


@pytest.mark.parametrize("name", ["h100", "gpu8", "r", "c", "R1C1", "r2", "true", "b200", "XFD1"])
def test_names_that_read_as_cells_are_refused(name):
    assert excel.reads_as_cell(name)
    step = x + y
    step.name = name
    with pytest.raises(TraceError, match="reads as a cell address"):
        excel.let(step * 2)


def test_an_argument_that_reads_as_a_cell_is_refused():
    @metric("USD")
    def reads_badly(h100: Usd) -> Usd:
        """Bad.

        Args:
            h100: A thing.
        """
        return h100 * 2

    try:
        with pytest.raises(TraceError, match="the argument 'h100' reads as a cell address"):
            excel.lambda_(reads_badly)
    finally:
        del REGISTRY["READS_BADLY"]


def test_equal_step_names_get_a_number():
    a, b = x + 1, y + 1
    a.name = b.name = "step"
    assert excel.let(a * b) == "LET(step,x+1,step_2,y+1,step*step_2)"


@pytest.mark.parametrize("m", REGISTRY.values(), ids=lambda m: m.name)
def test_every_metric_prints_everywhere(m):
    file = excel.lambda_(m, file=True)
    assert len(file) <= 8192
    assert file.startswith("_xlfn.LAMBDA(_xl")
    assert excel.lambda_(m).startswith("LAMBDA(")
    assert "_xl" not in excel.lambda_(m)
    assert latex.equations(m)[-1].startswith(latex.word(m.name))
    assert m.doc.summary in markdown.page(m, [["a", "b", "c", "d"]])
    with contextlib.suppress(TraceError):  # too long for one cell
        assert "INDEX(" not in excel.formula(m.tree).replace("SUM(INDEX(", ""), "Excel 365 would show @INDEX"


def test_no_lambda_folds_an_array():
    """MIN, MAX, SUM and SUMPRODUCT make one number of an array; a LAMBDA must answer element by element."""
    for m in REGISTRY.values():
        if m.elements.keys() == m.scalars.keys():
            assert not re.search(r"\b(MIN|MAX|SUM|SUMPRODUCT|AND|OR)\(", excel.lambda_(m)), m.name


def test_golden_texts():
    """The texts that users see, word for word."""
    m = get("GPU_HOURS")
    assert excel.formula(m.tree) == "flop/(peak_tflops*1E12*mfu*3600*goodput)"
    assert excel.lambda_(m) == (
        'LAMBDA(flop,peak_tflops,mfu_,[goodput_],LET(goodput__,IF(ISOMITTED(goodput_),1,IF(goodput_="",1,goodput_)),'
        "LET(typed,ISNUMBER(flop)*ISNUMBER(peak_tflops)*ISNUMBER(mfu_)*ISNUMBER(goodput__),"
        "IF(typed*(flop>0)*(flop<=1E+32)*(peak_tflops>0)*(peak_tflops<=1E6)*(mfu_>0)*(mfu_<=1)*(goodput__>0)*"
        '(goodput__<=1),flop/(peak_tflops*1E12*mfu_*3600*goodput__),IF(typed,SQRT(-1),VALUE("?"))))))'
    )
    assert excel.let(get("TRAIN_COST").tree) == (
        "LET(flop_per_token,6*(params_b*1E9),train_flop_,flop_per_token*(tokens_t*1E12),"
        "gpu_hours_,train_flop_/(peak_tflops*1E12*mfu*3600*goodput),gpu_hours_*usd_per_gpu_hour*(1+overhead))"
    )
    assert latex.equations(get("MFU_SAVING")) == [
        r"\mathrm{MFU\_SAVING} = 1 - \frac{\mathrm{mfu\_from}}{\mathrm{mfu\_to}}"
    ]
    assert markdown.text(get("TRAIN_DAYS").tree, top=get("TRAIN_DAYS").tree) == "gpu_hours / (gpus * HOURS_PER_DAY)"


def test_lambda_refuses_what_python_refuses(tmp_path):
    """The same error kinds in the Name Manager: #VALUE! for a wrong type, #NUM! out of bounds, errors go through."""
    sheet = Sheet(tmp_path / "errors.xlsx")
    sheet.value(None)
    wanted = [
        ("TRAIN_COST(37,14.8,989.4,41,2)", "#NUM!"),
        ("TRAIN_COST(7E10,14.8,989.4,0.4,2)", "#NUM!"),
        ("TRAIN_COST(37,14.8,989.4,0.4,-2)", "#NUM!"),
        ('TRAIN_COST(37,14.8,989.4,"high",2)', "#VALUE!"),
        ("TRAIN_COST(37,14.8,989.4,0.4,A1)", "#VALUE!"),
        ("TRAIN_COST(37,14.8,989.4,TRUE,2)", "#VALUE!"),
        ("TRAIN_COST(37,14.8,989.4,NA(),2)", "#N/A"),
        ("TRAIN_COST(37,14.8,989.4,1/0,2)", "#DIV/0!"),
        ('GPU_SPEC("H10O","bf16")', "#N/A"),
        ('GPU_SPEC("V100 SXM2 32GB","bf16")', "#N/A"),
        ('MFU_TYPICAL(8,"middle")', "#N/A"),
        ("TRAIN_COST(37,14.8,989.4,0.389,2,A1,A1)", 4742645.6514460305),
    ]
    cells = [sheet.formula(text, dynamic=True) for text, _ in wanted]
    values = sheet.compute()
    for (text, value), cell in zip(wanted, cells, strict=True):
        assert close(values[cell], value), (text, values[cell])


def random_tree(rng, depth, env):
    if depth == 0 or rng.random() < 0.1:
        return var(rng.choice(list(env))) if rng.random() < 0.7 else float(f"{rng.uniform(0.1, 9):.3g}")
    a, b = (random_tree(rng, depth - 1, env) for _ in range(2))
    kind = rng.choice(["+", "-", "*", "/", "neg", "^", "where", "min", "max", "roundup", "sqrt", "expm1", "log"])
    if not isinstance(a, Expr):
        a = var("x") * a
    match kind:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "neg":
            return -a
        case "^":
            return a ** rng.choice([2.0, 3.0, 0.5, -1.0])
        case "where":
            return ops.where(a > b, a, b if isinstance(b, Expr) else b * 1.0)
        case "min" | "max":
            return (ops.minimum if kind == "min" else ops.maximum)(a, b)
        case "roundup":
            return ops.roundup(a)
        case "sqrt":
            return ops.sqrt(ops.maximum(a, 0.5))
        case "expm1":
            return ops.expm1(ops.minimum(a, 2.0) / 1000.0)
        case _:
            return ops.log(ops.maximum(a, 1.5))


def well_conditioned(e, env):
    """The value of a tree, or None where the last digits of a step decide: cancellation, a comparison of equals, a
    rounding at a boundary, an overflow. There two engines may differ and neither is wrong."""
    memo = {}
    try:
        value = ops.evaluate(e, env, memo)
        nudged = ops.evaluate(e, {k: v * (1 + 3e-14) for k, v in env.items()})
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        return None
    if isinstance(value, complex) or not 1e-9 < abs(value) < 1e9 or not close(value, nudged, 1e-12 / 3):
        return None
    return (
        value
        if all(isinstance(v, bool) or (not isinstance(v, complex) and abs(v) < 1e12) for v in memo.values())
        else None
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_random_trees(engine, tmp_path):
    """At least 1,000 random trees of arithmetic, branches, rounding and functions agree with Python."""
    rng = random.Random(20261123)
    env = {"x": 2.3, "y": 0.7, "z": 41.25}
    sheet = Sheet(tmp_path / "fuzz.xlsx", lambdas=False)
    refs = {name: f"$A${sheet.value(value)[1:]}" for name, value in env.items()}
    wanted = []
    while len(wanted) < 1_200:
        tree = random_tree(rng, 4, env)
        if not isinstance(tree, Expr):
            continue
        value = well_conditioned(tree, env)
        text = excel.formula(tree, refs)
        if value is not None and len(text) < 8_000:
            wanted.append((sheet.formula(text), value, text))
    values = sheet.compute(engine)
    wrong = [(text, values[cell], value) for cell, value, text in wanted if not close(values[cell], value)]
    assert not wrong, f"{len(wrong)} of {len(wanted)}: {wrong[:3]}"
