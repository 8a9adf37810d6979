"""A bridge sums to the difference; its effects are Shapley values, or those of the order that was asked for."""

import itertools
import json
import math
import random
from fractions import Fraction
from statistics import fmean

import pytest
from support import random_inputs

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import InputError, UsageError, XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY
from xl_econ.scenarios.bridge import KINDS, bridge, kind
from xl_econ.scenarios.target import target
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import replaced
from xl_econ.templates import layout

RUN = {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "mfu": 0.35, "usd_per_gpu_hour": 2}
SUMS = [m for m in REGISTRY.values() if m.unit != "any"]


def sums(found):
    total = math.fsum(d.effect for d in found.drivers)
    scale = max(abs(found.start), abs(found.end))
    return math.isclose(total, found.end - found.start, rel_tol=1e-9, abs_tol=1e-13 * scale)


def test_it_sums_to_the_difference_over_1000_random_pairs():
    rng, done = random.Random(7), 0
    while done < 1000:
        m = rng.choice(SUMS)
        a, b = random_inputs(m, 2, seed=rng.random())
        b |= {k: a[k] for k in a if m.params[k].quantity.many or rng.random() < 0.3}
        try:
            found = bridge(m.name, a, b)
        except InputError:  # a combination has no result
            continue
        assert sums(found), (m.name, found)
        assert abs(found.residual) <= 1e-12 * max(abs(found.start), abs(found.end), 1e-300) * 100
        assert math.isclose(found.start, function(m.name)(**a), rel_tol=1e-12, abs_tol=1e-15)
        assert math.isclose(found.end, function(m.name)(**b), rel_tol=1e-12, abs_tol=1e-15)
        done += 1


@pytest.mark.parametrize("m", SUMS, ids=lambda m: m.name)
def test_lists_and_texts_are_drivers_too(m):
    a, b = random_inputs(m, 2, seed=11)
    for key in a:
        if m.params[key].quantity.many:  # as long as each other
            b[key] = tuple(b[key][n % len(b[key])] for n in range(len(a[key])))
    try:
        found = bridge(m.name, a, b)
    except InputError:  # a combination has no result
        return
    assert sums(found)
    differ = {k for k in a if a[k] != b[k]}
    assert {d.key for d in found.drivers} == (set(KINDS) if len(differ) > 12 else differ)


def brute_force(f, a, b, keys):
    """Each key's mean effect over all orders, by the definition."""
    effects = {key: [] for key in keys}
    for order in itertools.permutations(keys):
        now = dict(a)
        before = f(now)
        for key in order:
            now[key] = b[key]
            after = f(now)
            effects[key].append(after - before)
            before = after
    return {key: fmean(values) for key, values in effects.items()}


def test_six_drivers_are_as_by_all_orders():
    def cost(c):  # six N D over what the GPUs deliver, written anew
        hours = 6 * c["params_b"] * 1e9 * c["tokens_t"] * 1e12 / (c["peak_tflops"] * 1e12 * c["mfu"] * 3600)
        return hours / c["goodput"] * c["usd_per_gpu_hour"]

    a = RUN | {"goodput": 0.9}
    b = {"params_b": 70, "tokens_t": 12, "peak_tflops": 1979, "mfu": 0.3, "usd_per_gpu_hour": 3.5, "goodput": 0.95}
    expected = brute_force(cost, a, b, list(b))
    found = bridge("TRAIN_COST", a, b)
    assert len(found.drivers) == 6
    for d in found.drivers:
        assert d.effect == pytest.approx(expected[d.key], rel=1e-9)
    assert [abs(d.effect) for d in found.drivers] == sorted((abs(d.effect) for d in found.drivers), reverse=True)


def test_shapley_values_keep_their_axioms():
    steps = {"y": "a * b + c + 0 * d"}
    found = bridge("game", {"a": 1, "b": 1, "c": 5, "d": 1}, {"a": 3, "b": 3, "c": 7, "d": 9}, steps=steps)
    effect = {d.key: d.effect for d in found.drivers}
    assert effect["a"] == effect["b"] == 4  # alike: they share their product's growth of 8
    assert effect["c"] == 2  # it adds the same in any company
    assert effect["d"] == 0  # it does nothing


def test_one_after_the_other_in_the_order_asked_for():
    b = RUN | {"mfu": 0.4, "usd_per_gpu_hour": 3}
    base = function("TRAIN_COST")(**RUN)
    found = bridge("TRAIN_COST", RUN, b, order=["mfu", "usd_per_gpu_hour"])
    assert found.method == "sequential"
    first = function("TRAIN_COST")(**(RUN | {"mfu": 0.4})) - base
    assert [(d.key, d.effect) for d in found.drivers] == [
        ("mfu", pytest.approx(first, rel=1e-12)),
        ("usd_per_gpu_hour", pytest.approx(function("TRAIN_COST")(**b) - base - first, rel=1e-12)),
    ]


def test_groups_move_together():
    b = RUN | {"mfu": 0.4, "usd_per_gpu_hour": 3, "tokens_t": 20, "peak_tflops": 1979}
    found = bridge("TRAIN_COST", RUN, b, by="group")
    assert {d.key for d in found.drivers} == {"price", "volume", "efficiency"}
    assert {k: set(d.inputs) for d in found.drivers for k in [d.key]}["efficiency"] == {"mfu", "peak_tflops"}
    assert sums(found)
    mine = bridge("TRAIN_COST", RUN, b, groups={"hardware": ["peak_tflops", "usd_per_gpu_hour"]})
    by_key = {d.key: d for d in mine.drivers}
    assert set(by_key) == {"hardware", "mfu", "tokens_t"}
    assert by_key["hardware"].kind == "mixed"
    both = bridge("TRAIN_COST", RUN, RUN | {k: b[k] for k in by_key["hardware"].inputs}, by="group")
    assert {d.key for d in both.drivers} == {"price", "efficiency"}
    assert math.fsum(found.by_kind.values()) == pytest.approx(found.end - found.start, rel=1e-12)


def test_more_than_twelve_drivers_are_grouped_and_it_is_said():
    ones, twos = ({f"x{n}": value for n in range(14)} for value in (1, 2))
    steps = {"sum": " + ".join(ones)}
    found = bridge("all", ones, twos, steps=steps)
    assert {d.key for d in found.drivers} <= {*KINDS}
    assert found.remarks[0].startswith("14 drivers differ: grouped; up to 12 are told apart")
    assert sums(found)
    in_order = bridge("all", ones, twos, steps=steps, order=list(ones))
    assert [d.effect for d in in_order.drivers] == [1] * 14
    with pytest.raises(InputError, match="13 drivers are too many for all their combinations"):
        bridge("all", ones, twos, steps=steps, groups={"first": ["x0", "x1"]})


def test_inputs_without_a_way_to_the_result_are_no_drivers():
    t = target("training_budget")
    b = {
        k: i.default * 1.01 for k, i in t.inputs.items() if i.varies and i.default and i.quantity.fits(i.default * 1.01)
    }
    assert len(b) > 12
    found = bridge("training_budget", {}, b)
    assert {d.key for d in found.drivers} == {"params_b", "tokens_t", "mfu", "goodput", "overhead", "usd_per_gpu_hour"}
    assert found.remarks[0].startswith("run_usd does not depend on ")
    assert len(found.remarks) == 1
    assert sums(found)
    grouped = bridge("training_budget", {}, b, by="group")
    assert {k for d in grouped.drivers for k in d.inputs} == {d.key for d in found.drivers}


@pytest.mark.parametrize("name", layout.names())
def test_a_templates_results_have_bridges(name):
    t, rng = target(name), random.Random(name)
    keys = [k for k, i in t.inputs.items() if i.varies and i.default and not i.quantity.whole]
    changed = rng.sample(keys, 5)
    b = {k: t.inputs[k].default * rng.uniform(0.9, 1) for k in changed}
    b = {k: v for k, v in b.items() if t.inputs[k].quantity.fits(v)}
    found = bridge(name, {}, b)
    assert sums(found)
    assert found.end == pytest.approx(t.compute(t.bound(b))[t.result], rel=1e-12)


def test_kinds_go_by_unit():
    of = {k: kind(i) for k, i in target("inference_unit_economics").inputs.items()}
    assert of["gpu"] == "choice"
    assert of["usd_per_gpu_hour"] == "price"
    assert of["utilization"] == "efficiency"
    of = {k: kind(i) for k, i in target("TRAIN_COST").inputs.items()}
    assert of == {
        "params_b": "volume",
        "tokens_t": "volume",
        "peak_tflops": "efficiency",
        "mfu": "efficiency",
        "usd_per_gpu_hour": "price",
        "goodput": "efficiency",
        "overhead": "efficiency",
    }


def test_a_combination_without_a_result_is_named():
    a = {"upfront_usd": 1000, "own_usd_month": 10, "cloud_usd_month": 20}
    b = {"upfront_usd": 1000, "own_usd_month": 30, "cloud_usd_month": 50}
    with pytest.raises(InputError, match="with own_usd_month of B and the rest of A there is no breakeven_months"):
        bridge("BREAKEVEN_MONTHS", a, b)
    in_order = bridge("BREAKEVEN_MONTHS", a, b, order=["cloud_usd_month", "own_usd_month"])
    assert in_order.end - in_order.start == pytest.approx(50 - 100)
    with pytest.raises(InputError, match="with the inputs of B there is no"):
        bridge("BREAKEVEN_MONTHS", a, a | {"own_usd_month": 30})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"order": ["mfu"]}, "--order: leaves out usd_per_gpu_hour, which differs too"),
        ({"order": ["mfu", "mfu", "usd_per_gpu_hour"]}, "names a driver twice"),
        ({"order": ["mfuu"]}, "'mfuu' is nothing that differs; did you mean 'mfu'"),
        ({"groups": {"a": ["mfu"], "b": ["mfu"]}}, "mfu is in the groups a and b"),
        ({"groups": {"a": ["nfu"]}}, "group a: TRAIN_COST has no input 'nfu'"),
        ({"by": "unit"}, "--by unit: can be input or group"),
        ({"output": "gpu_hour"}, "no result 'gpu_hour'"),
    ],
)
def test_a_bad_question_is_one_clear_line(given, text):
    with pytest.raises(XlEconError) as e:
        bridge("TRAIN_COST", RUN, RUN | {"mfu": 0.4, "usd_per_gpu_hour": 3}, **given)
    assert text in str(e.value)


def test_the_exact_shares_are_kept_to_the_last_digits():
    a, b = {"x": 0.1, "y": 0.2, "z": 0.3}, {"x": 0.7, "y": 1.1, "z": 1.3}
    found = bridge("sum", a, b, steps={"s": "x + y + z"})
    for d in found.drivers:
        assert d.effect == pytest.approx(float(Fraction(b[d.key]) - Fraction(a[d.key])), rel=1e-15)
    assert abs(found.residual) < 1e-15


# -- the command ------------------------------------------------------------------------------------------------
def run(words, capsys):
    code = cli.main([str(w) for w in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def cases(tmp_path):
    text = "\n".join(["[inputs]", *(f"{k} = {v}" for k, v in RUN.items())])
    (tmp_path / "a.toml").write_text('function = "TRAIN_COST"\n' + text, encoding="utf-8")
    (tmp_path / "b.toml").write_text(text.replace("0.35", '"40%"').replace("hour = 2", "hour = 3"), encoding="utf-8")
    (tmp_path / "c.csv").write_text("params_b,tokens_t,peak_tflops,mfu,usd_per_gpu_hour\n37,14.8,989.4,0.5,2\n")
    return tmp_path


def test_the_command_reads_case_files(cases, capsys):
    code, out, err = run(["bridge", cases / "a.toml", cases / "b.toml", "--of", "train_cost"], capsys)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines() if line]
    assert ["usd_per_gpu_hour", "+2,470,834", "150.0%", "price", "2", "to", "3"] in lines
    assert ["mfu", "-823,611", "-50.0%", "efficiency", "0.35", "to", "0.4"] in lines
    words = ["bridge", cases / "a.toml", cases / "c.csv", "--of", "TRAIN_COST", "--json"]
    found = json.loads(run(words, capsys)[1])
    assert [d["driver"] for d in found["drivers"]] == ["mfu"]
    assert found["difference"] == found["end"] - found["start"]
    grouped = ["--group", "all=mfu,usd_per_gpu_hour", "--json"]
    hours = ["bridge", cases / "a.toml", cases / "b.toml", "--of", "TRAIN_COST", "--result", "gpu_hours", *grouped]
    found = json.loads(run(hours, capsys)[1])
    assert [(d["driver"], set(d["inputs"])) for d in found["drivers"]] == [("all", {"mfu"})]
    assert found["remarks"] == ["gpu_hours does not depend on usd_per_gpu_hour, which differ too"]
    found = json.loads(run(["bridge", cases / "a.toml", cases / "b.toml", "--of", "TRAIN_COST", *grouped], capsys)[1])
    assert [(d["driver"], set(d["inputs"])) for d in found["drivers"]] == [("all", {"mfu", "usd_per_gpu_hour"})]
    same = run(["bridge", cases / "a.toml", cases / "a.toml"], capsys)[1]
    assert "nothing that the result depends on differs" in same


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (["a.toml", "b.toml"], "b.toml: does not say of which function or template it is a case: --of NAME", 3),
        (["a.toml", "none.toml"], "none.toml: cannot be read", 3),
        (["a.toml", "none.xlsx"], "none.xlsx", 4),
        (["a.toml", "a.txt"], "a.txt: not a case file", 3),
        (["a.toml", "b.toml", "--of", "FLEET_COST"], "FLEET_COST has no input 'params_b'", 3),
        (["a.toml", "a.toml", "--group", "x"], "--group x: expected NAME=K1,K2", 2),
        (["a.toml", "a.toml", "--by", "size"], "no --by 'size'; there are input, group", 2),
        (["a.toml", "uncertain.toml"], "mfu is uncertain or a range; a bridge goes from one value to another", 3),
        (["a.toml", "two.csv"], "holds 2 cases, and one is needed", 3),
    ],
)
def test_the_command_refuses_in_one_line(words, text, code, cases, capsys, monkeypatch):
    monkeypatch.chdir(cases)
    (cases / "uncertain.toml").write_text('function = "TRAIN_COST"\n[inputs]\nmfu = {low = 0.1, high = 0.2, steps = 3}')
    (cases / "two.csv").write_text("params_b,mfu\n37,0.5\n37,0.4\n")
    (cases / "a.txt").write_text("")
    found, out, err = run(["bridge", *words], capsys)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert text in err


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory):
    """Two workbooks of a template: other inputs, and a price in a table that was raised by half."""
    folder = tmp_path_factory.mktemp("bridge")
    assert cli.main(["new", "gpu_buy_vs_rent", "-o", str(folder / "a.xlsx")]) == 0
    offer = target("gpu_buy_vs_rent").inputs["elastic_offer"].default
    table = TABLES["cloud_prices"]
    row = table.rows[offer]
    prices = ("usd_per_gpu_hour", "usd_per_instance_hour")
    dearer = row.model_copy(update={price: getattr(row, price) * 1.5 for price in prices})
    with replaced({"cloud_prices": table.rows | {offer: dearer}}):
        (folder / "b.toml").write_text("[inputs]\nusd_per_kwh = 0.15\n")
        assert cli.main(["fill", "gpu_buy_vs_rent", "-i", str(folder / "b.toml"), "-o", str(folder / "b.xlsx")]) == 0
    return folder


def test_workbooks_bring_their_own_tables_as_a_driver(workbooks, capsys):
    words = ["bridge", workbooks / "a.xlsx", workbooks / "b.xlsx", "--result", "npv_usd"]
    code, out, err = run([*words, "--json"], capsys)
    assert (code, err) == (0, "")
    found = json.loads(out)
    effects = {d["driver"]: d["effect"] for d in found["drivers"]}
    assert set(effects) == {"tables", "usd_per_kwh"}
    assert effects["tables"] > 0 > effects["usd_per_kwh"]  # dearer rent makes buying worth more
    assert math.isclose(sum(effects.values()), found["end"] - found["start"], rel_tol=1e-9)
    assert found["remarks"] == []  # what is stored in the workbooks is what was computed
    assert "tables" in run(words, capsys)[1]
    # What the price does not touch has no such driver.
    found = json.loads(run([*words[:3], "--result", "tco_usd", "--json"], capsys)[1])
    assert [d["driver"] for d in found["drivers"]] == ["usd_per_kwh"]


def test_a_workbook_against_a_case_file(workbooks, capsys):
    assert run(["extract", workbooks / "a.xlsx", "-o", workbooks / "a.toml", "--force"], capsys)[0] == 0
    found = json.loads(run(["bridge", workbooks / "a.toml", workbooks / "b.xlsx", "--json"], capsys)[1])
    assert [d["driver"] for d in found["drivers"]] == ["usd_per_kwh"]
    code, _, err = run(["bridge", workbooks / "a.xlsx", workbooks / "b.xlsx", "--of", "fleet_plan"], capsys)
    assert (code, "a workbook of gpu_buy_vs_rent, not of fleet_plan" in err) == (3, True)


def test_an_edited_result_is_remarked(workbooks, tmp_path, capsys):
    import openpyxl

    book = openpyxl.load_workbook(workbooks / "a.xlsx")
    at = next(iter(book.defined_names["results.tco_usd"].destinations))
    book[at[0]][at[1].replace("$", "")].value = 123.0
    book.save(tmp_path / "edited.xlsx")
    code, out, err = run(["bridge", tmp_path / "edited.xlsx", workbooks / "b.xlsx"], capsys)
    assert code == 0
    assert "tco_usd is 123 there, and" in err
    assert "usd_per_kwh" in out


def test_it_is_a_function_of_the_package():
    assert xl_econ.bridge is bridge
    with pytest.raises(UsageError):
        xl_econ.bridge("nothing", {}, {})
