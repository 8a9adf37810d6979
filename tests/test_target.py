"""What scenarios compute over arrays is what the functions and the templates compute for each row alone."""

import math
import pickle

import numpy as np
import pytest
from support import random_inputs, template_cases

from xl_econ.core.errors import InputError, LayoutError, UnitError, UsageError, XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY
from xl_econ.scenarios.target import target
from xl_econ.templates import fill, layout
from xl_econ.templates.compute import Calculator

NUMERIC = [m for m in REGISTRY.values() if m.unit != "any" and any(not p.quantity.is_text for p in m.elements.values())]
ROWS = 500


def answer(m, inputs):
    try:
        return function(m.name)(**inputs)
    except XlEconError:
        return math.nan


def columns_of(m, rows):
    return {
        key: np.array([row[key] for row in rows], dtype=object if m.params[key].quantity.is_text else float)
        for key in m.elements
    }


@pytest.mark.parametrize("m", NUMERIC, ids=lambda m: m.name)
def test_a_function_gives_its_numbers_and_nan_where_it_has_none(m):
    rows = random_inputs(m, ROWS, seed=7)
    lists = {k: v for k, v in rows[0].items() if k not in m.elements}
    rows = [row | lists for row in rows]
    expected = [answer(m, row) for row in rows]
    found = target(m.name)
    values = columns_of(m, rows) | lists
    np.testing.assert_allclose(found.compute(values)[found.result], expected, rtol=1e-12)
    # Every step as well, which goes another way: the result stands last.
    steps = found.compute(values, found.outputs)
    np.testing.assert_allclose(steps[found.result], expected, rtol=1e-12)
    assert all(v.shape == (ROWS,) for v in steps.values())
    assert math.isclose(found.compute(rows[0])[found.result], expected[0], rel_tol=1e-12) or math.isnan(expected[0])


@pytest.mark.parametrize("name", [*(m.name for m in NUMERIC), *layout.names()])
def test_what_a_figure_does_not_need_can_be_anything(name):
    t = target(name)
    m = REGISTRY.get(name)
    rows = random_inputs(m, 20, seed=9) if m else [{k: i.default for k, i in t.inputs.items()}]
    for key in t.outputs:
        needed = t.needs(key)
        for a, b in zip(rows, rows[1:] + rows[:1], strict=True):
            other = (
                b if m else {k: i.default * 0.9 if i.varies and i.default else i.default for k, i in t.inputs.items()}
            )
            moved = {k: a[k] if k in needed else other[k] for k in a}
            np.testing.assert_equal(t.compute(moved, [key])[key], t.compute(a, [key])[key])


@pytest.mark.parametrize("m", NUMERIC, ids=lambda m: m.name)
def test_one_text_for_all_rows_gives_the_same_as_a_column_of_it(m):
    rows = random_inputs(m, 40, seed=8)
    texts = {k: v for k, v in rows[0].items() if m.params[k].quantity.is_text or k not in m.elements}
    rows = [row | texts for row in rows]
    expected = [answer(m, row) for row in rows]
    values = columns_of(m, rows) | texts
    np.testing.assert_allclose(target(m.name).compute(values)[target(m.name).result], expected, rtol=1e-12)


@pytest.mark.parametrize("name", layout.names())
def test_a_template_gives_the_numbers_of_its_workbook(name):
    spec, found = layout.load(name), target(name)
    calculator, rows, expected, refused = Calculator(spec), [], [], []
    for case in template_cases(spec, 60, 0.3):
        base = case.values.get("Base", {})
        try:
            live = calculator(fill.Case("all in Base", values=dict.fromkeys(layout.CASES, base))).values["Live"]
        except InputError:  # a row has no result: then no workbook is written
            refused.append({key: base.get(key, i.default) for key, i in found.inputs.items()})
            continue
        rows.append({key: live[key] for key in found.inputs})
        expected.append(live)
    assert len(rows) > 20
    values = {
        key: np.array([row[key] for row in rows], dtype=object if i.quantity.is_text else float)
        for key, i in found.inputs.items()
    }
    results = found.compute(values, found.outputs)
    assert (
        set(found.outputs) >= {*spec.headline, *(r.key for r in spec.timeline.rows if r.total)} if spec.timeline else 1
    )
    for key in found.outputs:
        wanted = [math.nan if not isinstance(e[key], float | int) else e[key] for e in expected]
        scale = max((abs(x) for x in wanted if math.isfinite(x)), default=0.0)
        np.testing.assert_allclose(results[key], wanted, rtol=1e-12, atol=1e-12 * scale, err_msg=key)
    for row in refused:
        assert any(map(math.isnan, found.compute(row, found.outputs).values()))
    # A single case without arrays gives floats, the template's own without anything.
    alone = found.compute(rows[-1], spec.headline)
    assert all(math.isclose(alone[k], expected[-1][k], rel_tol=1e-12) for k in spec.headline)
    own = calculator(fill.Case("own")).values["Base"]
    assert found.compute({})[found.result] == pytest.approx(own[found.result], rel=1e-12)


def test_a_row_without_a_result_stops_no_other():
    found = target("breakeven_months")
    given = {"upfront_usd": 1000.0, "own_usd_month": 10.0, "cloud_usd_month": np.array([20.0, 5.0, 110.0])}
    np.testing.assert_array_equal(found.compute(given)["breakeven_months"], [100.0, np.nan, 10.0])
    gpus = np.array(["H100 SXM", "no such thing", "H100 SXM"], dtype=object)
    fits = {"model": "Llama 3.1 8B", "context": 1000.0, "batch": np.array([1.0, 1.0, 2.0]), "gpu": gpus}
    found = target("GPUS_TO_FIT")
    assert list(np.isnan(found.compute(fits)[found.result])) == [False, True, False]
    assert math.isnan(found.compute(fits | {"gpu": "no such thing", "batch": 1.0})[found.result])
    divided = target("d", {"x": "a / b", "y": "where(b > 0, x, 7)", "z": "where(b > 0, a / b, 7) + 2 ** c"})
    rows = {"a": np.array([6.0, 6.0, 6.0]), "b": np.array([2.0, 0.0, 3.0]), "c": np.array([1.0, 1.0, 5000.0])}
    found = divided.compute(rows, ("x", "y", "z"))
    np.testing.assert_array_equal(found["x"], [3.0, np.nan, 2.0])
    np.testing.assert_array_equal(found["y"], [3.0, 7.0, 2.0])
    np.testing.assert_array_equal(found["z"], [5.0, 9.0, np.nan])


def test_a_chain_reads_its_inputs_as_the_functions_do():
    chain = target(
        "a run",
        {
            "flop": "TRAIN_FLOP(params_b, tokens_t)",
            "hours": "GPU_HOURS(flop, peak_tflops, mfu, goodput)",
            "usd": "hours * usd_per_gpu_hour * (1 + extra)",
        },
    )
    assert chain.name == "a run"
    assert chain.result == "usd"
    assert [chain.outputs[k].unit for k in ("flop", "hours")] == ["FLOP", "GPU-h"]
    assert chain.inputs["mfu"].quantity == REGISTRY["GPU_HOURS"].params["mfu"].quantity
    assert chain.inputs["usd_per_gpu_hour"].unit == "USD/GPU-h"  # by its name: it is no argument here
    given = {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "mfu": "38.9%", "goodput": 1}
    given |= {"usd_per_gpu_hour": 2, "extra": 0.1}
    found = chain.compute(chain.bound(given), ("hours", "usd"))
    assert found["usd"] == pytest.approx(function("TRAIN_COST")(37, 14.8, 989.4, 0.389, 2, 1, 0.1), rel=1e-12)
    mfu = np.linspace(0.2, 0.5, 7)
    many = chain.compute(chain.bound(given) | {"mfu": mfu})["usd"]
    np.testing.assert_allclose(many * mfu, found["usd"] * 0.389, rtol=1e-12)


def test_steps_go_on_from_a_function_or_a_template():
    more = target("TRAIN_COST", {"per_token": "train_cost / tokens_t", "half": "gpu_hours / 2"})
    found = more.compute(
        {"params_b": 37.0, "tokens_t": 10.0, "peak_tflops": 1000.0, "mfu": 0.4, "usd_per_gpu_hour": 2.0}, more.outputs
    )
    assert found["per_token"] == found["train_cost"] / 10
    assert found["half"] == found["gpu_hours"] / 2
    more = target("training_budget", {"left": "budget - run_usd"})
    assert more.bound({"budget": 5e6})["budget"] == 5e6
    own = target("training_budget")
    assert more.compute({"budget": 5e6})["left"] == 5e6 - own.compute({}, ["run_usd"])["run_usd"]


@pytest.mark.parametrize("key", [("TRAIN_COST", None), ("fleet_plan", None), ("c", {"x": "a * 2"})])
def test_a_worker_makes_it_anew(key):
    found = target(*key)
    again = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert again.key == found.key
    assert again.outputs == found.outputs
    assert len(pickle.dumps(found)) < 500


BAD_STEPS = {
    "reads y, which stands after it": {"x": "y + 1", "y": "a * 2"},
    "reads x, which stands in it": {"x": "x + 1"},
    "no function 'train_flp'; did you mean 'train_flop'?": {"x": "train_flp(a, b)"},
    "not part of the formula language": {"x": "a.b + 1"},
    "does not depend on any input": {"x": "1 + 1"},
    "not a name": {"x y": "a + 1"},
    "was never closed": {"x": "(a + 1"},
}


@pytest.mark.parametrize("text", BAD_STEPS)
def test_a_bad_step_is_one_clear_line(text):
    with pytest.raises(LayoutError, match=r"^step [\w ]+: .*") as e:
        target("t", BAD_STEPS[text])
    assert text in str(e.value)
    assert "\n" not in str(e.value)


def test_what_is_not_there_is_said_with_the_nearest():
    with pytest.raises(UsageError, match="no function and no template 'train_cst'; did you mean 'TRAIN_COST'"):
        target("train_cst")
    with pytest.raises(UsageError, match="did you mean 'fleet_plan'"):
        target("fleet_pln")
    found = target("TRAIN_COST")
    with pytest.raises(InputError, match=r"case\.toml: TRAIN_COST has no input 'mfuu'; did you mean 'mfu'"):
        found.bound({"mfuu": 1}, "case.toml")
    with pytest.raises(InputError, match="needs a value of tokens_t"):
        found.bound({"params_b": 1})
    with pytest.raises(InputError, match=r"mfu = 41: write 0.41 or 41%"):
        found.bound({"params_b": 1, "tokens_t": 1, "peak_tflops": 1000, "mfu": 41, "usd_per_gpu_hour": 1})
    with pytest.raises(InputError, match="no result 'gpu_hour'; did you mean 'gpu_hours'"):
        found.output("gpu_hour")
    with pytest.raises(InputError, match="inputs of 2 and 3 rows do not go together"):
        found.compute({"mfu": np.ones(2), "params_b": np.ones(3)})
    with pytest.raises(UnitError, match="USD"):
        target("t", {"x": "usd_per_gpu_hour + mfu"})
    with pytest.raises(LayoutError, match="there is one of that name already"):
        target("TRAIN_COST", {"mfu": "params_b * 2"})
    with pytest.raises(LayoutError, match="x: bought is a total of the timeline"):
        target("fleet_plan", {"x": "bought * 2"})


@pytest.mark.parametrize("m", [m for m in REGISTRY.values() if not any(p.quantity.many for p in m.params.values())])
def test_every_function_is_a_step_with_its_defaults(m):
    """What a step leaves out has the unit of the argument, and not that of a bare number."""
    needed = [key for key, p in m.params.items() if not p.optional]
    assert target("chain", {"y": f"{m.name}({', '.join(needed)})"}).outputs["y"].unit not in ("", None)


def test_a_step_says_what_is_wrong_with_it():
    steps = {"power": "POWER_COST(watts, usd_per_kwh)", "tco": "GPU_TCO(30000, power / ONE_YEAR, 4000, site, 4)"}
    assert target("chain", steps).outputs["tco"].unit == "USD"
    with pytest.raises(UnitError, match=r"step tco: .* of USD and USD/yr"):
        target("chain", steps | {"tco": "GPU_TCO(30000, power, 4000, site)"})
    with pytest.raises(
        LayoutError, match=r"step power: POWER_COST is a function: write POWER_COST\(watts, usd_per_kwh"
    ):
        target("chain", {"power": "POWER_COST"})
