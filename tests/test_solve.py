"""Goal seek finds the input that was hidden, says so where there is none, and never answers outside the bounds."""

import json
import math
import random

import numpy as np
import pytest
from support import random_inputs

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import DomainError, InputError, UsageError, XlEconError
from xl_econ.core.quantity import Quantity
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY
from xl_econ.scenarios.roots import answers, points
from xl_econ.scenarios.solve import solve
from xl_econ.scenarios.target import target
from xl_econ.templates import layout

RUN = {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "usd_per_gpu_hour": 2}
SOLVABLE = [
    (m, p)
    for m in REGISTRY.values()
    for p in m.params.values()
    if m.unit != "any" and not (p.quantity.is_text or p.quantity.is_table or p.quantity.many)
]
# They rise and fall by steps, more often than the scan has values: not every answer is found.
SAWTOOTH = {
    ("GPUS_NEEDED", "node_gpus"),
    ("CLUSTER_SIZE", "node_gpus"),
    ("TTFT_MS", "input_tokens"),
    ("TTFT_MS", "output_tokens"),
}


def distance(found, hidden):
    """How far the nearest answer is from the hidden input, relative; a stretch holds all that lies in it."""
    inside = [0.0 for a in found.answers if a.at <= hidden <= a.to]
    return min(inside + [abs(a.at - hidden) / (abs(hidden) or 1) for a in found.answers], default=math.inf)


@pytest.mark.parametrize(("m", "p"), SOLVABLE, ids=lambda x: x.name)
def test_a_hidden_input_is_recovered(m, p):
    for row in random_inputs(m, 3, seed=3):
        try:
            result = function(m.name)(**row)
        except XlEconError:
            continue
        hidden = row.pop(p.name)
        found = solve(m.name, result, p.name, **row)
        if found.expression is not None:  # what it claims to invert
            assert distance(found, hidden) < 1e-9, (hidden, found.formula)
            assert found.formula.startswith(f"{p.name} = ")
        elif found.answers or "whatever" not in found.why_not:
            assert distance(found, hidden) < 1e-9 or (m.name, p.name) in SAWTOOTH, (hidden, found.answers)
        for a in found.answers:
            assert p.quantity.fits(a.at)
            assert p.quantity.fits(a.to)
            # At the very edge of a step floats and arrays may differ in their last digit, and so in the step.
            near = [a.at] if not a.jumps and a.at == a.to else [a.at, a.at * (1 - 1e-12), a.at * (1 + 1e-12)]
            got = [function(m.name)(**row, **{p.name: x}) for x in near if p.quantity.fits(x)]
            assert any(math.isclose(x, a.result, rel_tol=1e-9, abs_tol=1e-12) for x in got)
            assert a.jumps or math.isclose(a.result, result, rel_tol=1e-9, abs_tol=1e-12)


def test_many_inputs_have_a_closed_form():
    closed = set()
    for m, p in SOLVABLE:
        row = random_inputs(m, 1, seed=5)[0]
        try:
            result = function(m.name)(**row)
        except XlEconError:
            continue
        row.pop(p.name)
        if solve(m.name, result, p.name, **row).expression is not None:
            closed.add((m.name, p.name))
    expected = {
        ("TRAIN_COST", k) for k in ("params_b", "mfu", "peak_tflops", "usd_per_gpu_hour", "goodput", "overhead")
    }
    assert expected <= closed
    assert len(closed) > 90


@pytest.mark.parametrize("name", layout.names())
def test_a_templates_results_are_solved_for_too(name):
    t, rng = target(name), random.Random(name)
    own = t.bound({})
    keys = [k for k, i in t.inputs.items() if i.varies and own[k] and not i.quantity.whole and k != "node_gpus"]
    done = 0
    for output in layout.load(name).headline[:3]:
        base = t.compute(own, [output])[output]
        for key in rng.sample(keys, min(len(keys), 12)):
            hidden = own[key] * rng.uniform(0.97, 1.0)
            if not t.inputs[key].quantity.fits(hidden):
                continue
            result = t.compute(own | {key: hidden}, [output])[output]
            if not math.isfinite(result) or abs(result - base) < 1e-6 * abs(base):
                continue
            found = solve(name, result, key, output=output)
            assert distance(found, hidden) < 1e-8, (output, key, hidden, found.answers)
            done += 1
            if done % 3 == 0:
                break
    assert done >= 3


def test_the_closed_form_is_the_textbooks():
    found = solve("TRAIN_COST", 5e6, "mfu", **RUN)
    # 6 N D / (peak * 3600 * hours), the hours being what the money buys
    assert found.value == pytest.approx(6 * 37e9 * 14.8e12 / (989.4e12 * 3600 * 2.5e6), rel=1e-12)
    assert found.formula.startswith("mfu = train_flop / (train_cost / ")
    assert "  train_flop = flop_per_token * (tokens_t * TRILLION)" in found.steps
    # 1 - 0.6 = cost / price
    assert solve("GROSS_MARGIN", "60%", "price_usd", cost_usd=2).value == pytest.approx(5, rel=1e-12)


def test_an_answer_outside_the_bounds_is_refused_and_said():
    found = solve("TRAIN_COST", 1e6, "mfu", **RUN)
    assert list(found.answers) == []
    assert found.outside == pytest.approx(1.84489, rel=1e-5)
    assert found.why_not == "mfu would have to be 1.84489: no solution, it must be above 0 and at most 1"
    with pytest.raises(DomainError, match=r"would have to be 1\.84489"):
        _ = found.value


def test_no_solution_says_what_can_be_reached():
    found = solve("API_BREAKEVEN", -5, "fixed_usd_per_month", api_usd_per_mtok=3, variable_usd_per_mtok=1)
    assert "no solution" in found.why_not
    found = solve("GOODPUT", 0.9999, "interval_min", gpus=16384)
    assert "goodput lies between" in found.why_not
    # A cost that the input has nothing to do with.
    found = solve("BREAKEVEN_UTIL", 0.3, "committed_rate", owned_rate=1, cloud_rate=2, committed_share=0)
    assert found.why_not == "no solution: breakeven_util is 0.5 whatever committed_rate is"


def test_several_answers_are_all_given():
    chain = {"cost": "a / x + b * x"}  # the least cost lies between two answers, at sqrt(a / b)
    found = solve("inventory", 5, "x", steps=chain, a=4, b=1)
    assert [round(a.at, 9) for a in found.answers] == [1.0, 4.0]
    assert found.expression is None
    squared = solve("power", 9, "x", steps={"y": "x ** 2"})
    assert [round(a.at, 9) for a in squared.answers] == [-3.0, 3.0]


def test_steps_are_said_with_the_value_from_which_they_reach_it():
    found = solve("IRR_BUY_VS_RENT", 0.2, "months", upfront_usd=1000, own_usd_month=10, cloud_usd_month=50)
    [a] = found.answers
    assert a.at == 32  # a whole month: at 31 it is below
    assert a.jumps
    assert a.result > 0.2
    less = function("IRR_BUY_VS_RENT")(upfront_usd=1000, own_usd_month=10, cloud_usd_month=50, months=31)
    assert less < 0.2
    # Rounded up: the same number of GPUs over a stretch of throughputs.
    found = solve("FLEET_SIZE", 100, "tokens_per_second_per_gpu", tokens_per_day=1e11)
    [a] = found.answers
    assert a.to > a.at
    for x, size in ((a.at, 100), (a.to, 100), (a.at * 0.99999, 101), (a.to * 1.00001, 99)):
        assert function("FLEET_SIZE")(tokens_per_day=1e11, tokens_per_second_per_gpu=x) == size


def test_answers_of_plain_functions():
    xs = points(Quantity(low=-10, high=10), 1.0)
    found, _ = answers(lambda x: np.sin(x), xs, 0.5)
    expected = sorted(
        x for k in range(-3, 4) for x in (math.pi / 6 + 2 * k * math.pi, 5 * math.pi / 6 + 2 * k * math.pi)
    )
    np.testing.assert_allclose([a.at for a in found], [x for x in expected if -10 <= x <= 10], rtol=1e-12)
    found, _ = answers(np.floor, xs, 3.5)
    assert [(a.at, a.result, a.jumps) for a in found] == [(4.0, 4.0, True)]
    found, _ = answers(np.floor, xs, 3.0)
    assert [(a.at, a.result, a.jumps) for a in found] == [(3.0, 3.0, False)]
    assert found[0].to == pytest.approx(4, rel=1e-12)
    found, _ = answers(lambda x: np.where(x > 0, np.nan, x), xs, 5.0)
    assert found == []


BAD = {
    "mfu is given and sought": (("TRAIN_COST", 5e6, "mfu"), RUN | {"mfu": 0.4}),
    "has no input 'mfuu'; did you mean 'mfu'": (("TRAIN_COST", 5e6, "mfuu"), RUN),
    "gpu is a text: only a number can be solved for": (("training_budget", 5e6, "gpu"), {}),
    "rates is a list": (("BLENDED_RATE", 2, "rates"), {"shares": (1.0,)}),
    "train_cost = 'five': expected a finite number": (("TRAIN_COST", "five", "mfu"), RUN),
    "train_cost = nan: expected a finite number": (("TRAIN_COST", math.nan, "mfu"), RUN),
    "needs a value of tokens_t": (("TRAIN_COST", 5e6, "mfu"), {"params_b": 37}),
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_question_is_one_clear_line(text):
    args, given = BAD[text]
    with pytest.raises(InputError, match=r"^[^\n]*$") as e:
        solve(*args, **given)
    assert text in str(e.value)


# -- the command ------------------------------------------------------------------------------------------------
def run(words, capsys):
    code = cli.main([str(w) for w in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


WORDS = [f"{k}={v}" for k, v in RUN.items()]


@pytest.mark.parametrize("goal", ["5e6", "target=5e6", "train_cost=5000000"])
def test_the_command_takes_the_goal_in_three_ways(goal, capsys):
    code, out, err = run(["solve", "TRAIN_COST", goal, *WORDS, "mfu=?"], capsys)
    assert (code, err) == (0, "")
    assert out.startswith("mfu = 0.3689778317\nmfu = train_flop / ")
    code, out, _ = run(["solve", "train_cost", goal, *WORDS, "mfu=?", "--json"], capsys)
    found = json.loads(out)
    assert found["method"] == "closed"
    assert found["answers"][0]["value"] == solve("TRAIN_COST", 5e6, "mfu", **RUN).value
    assert found["inputs"]["goodput"] == 1.0


def test_the_command_says_no_solution_with_exit_code_1(capsys):
    code, out, _ = run(["solve", "TRAIN_COST", "1e6", *WORDS, "mfu=?"], capsys)
    assert code == 1
    assert out.startswith("mfu would have to be 1.84489: no solution")
    code, out, _ = run(["solve", "TRAIN_COST", "1e6", *WORDS, "mfu=?", "--json"], capsys)
    assert code == 1
    assert json.loads(out)["needed"] == pytest.approx(1.84489, rel=1e-5)


def test_the_command_solves_templates_and_steps(capsys):
    assert run(["solve", "training_budget", "run_days=30", "gpus=?"], capsys)[1].startswith("gpus = 6,882.366667 GPU\n")
    out = run(["solve", "FLEET_SIZE", "100", "tokens_per_day=1e11", "tokens_per_second_per_gpu=?"], capsys)[1]
    assert "fleet_size is the same from end to end" in out
    words = ["upfront_usd=1000", "own_usd_month=10", "cloud_usd_month=50", "months=?"]
    out = run(["solve", "IRR_BUY_VS_RENT", "0.2", *words], capsys)[1]
    assert "months = 32 month: irr_buy_vs_rent goes by steps and is 0.205689 share there" in out
    assert json.loads(run(["solve", "IRR_BUY_VS_RENT", "0.2", *words, "--json"], capsys)[1])["answers"][0][
        "reached_by_a_step"
    ]
    out = run(["solve", "GOODPUT", "85%", "gpus=16384", "interval_min=?"], capsys)[1]
    assert "2 solutions" in out


def test_the_value_to_reach_can_be_named_as_the_function_is(capsys):
    words = ["params_b=37", "tokens_t=14.8", "peak_tflops=989.4", "usd_per_gpu_hour=2", "mfu=?", "--json"]
    plain, named = (run(["solve", "TRAIN_COST", goal, *words], capsys) for goal in ("5e6", "TRAIN_COST=5e6"))
    assert plain == named
    assert plain[0] == 0


def test_words_stand_on_both_sides_of_an_option(capsys):
    words = ["2e7", "usd_per_gpu_hour=?"]
    before, between, after = (
        run(["solve", "training_budget", *words[:n], "--result", "program_usd", *words[n:]], capsys) for n in range(3)
    )
    assert before == between == after
    assert before[0] == 0


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (["TRAIN_COST", "mfu=?"], "the value to reach is missing", 2),
        (["TRAIN_COST", "5", "mfu=?", "params_b=?"], "mfu and params_b are sought", 2),
        (["TRAIN_COST", "5", "mfu=1"], "nothing is sought: write one input as k=?", 2),
        (["TRAIN_COST", "5", "target=6", "mfu=?"], "2 values to reach", 2),
        (["TRAIN_CST", "5", "mfu=?"], "did you mean 'TRAIN_COST'", 2),
        (["TRAIN_COST", "5", "mfu=?", "params_b=1", "params_b=2"], "params_b is given twice", 3),
        (["GOODPUT", "1", "price=?"], "GOODPUT has no input 'price'; there are ", 3),
        (["TRAIN_COST", "5", "mfu=?", "params_b=-1"], "params_b = -1", 3),
    ],
)
def test_the_command_refuses_in_one_line(words, text, code, capsys):
    found, out, err = run(["solve", *words], capsys)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert text in err


def test_it_is_a_function_of_the_package():
    assert xl_econ.solve is solve
    assert {"solve", "bridge", "tornado", "breakeven_map"} <= set(dir(xl_econ))
    with pytest.raises(UsageError):
        xl_econ.solve("nothing", 1, "x")
