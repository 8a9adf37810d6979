"""Every template, both flavours: every formula equals two engines, and the file follows the rules of the format."""

import json
import re
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from conftest import ENGINES
from support import ERRORS

from xl_econ import cli
from xl_econ.core.errors import LayoutError, UsageError
from xl_econ.templates import build, fill, layout
from xl_econ.templates.model import Heading, Model
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate

CASES = sorted((layout.folder() / "cases").glob("*/*.toml"))  # a folder of cases for every template
BOOKS = [(name, None) for name in layout.names()] + [(case.parent.name, case) for case in CASES]
GPT_3 = layout.folder() / "cases" / "training_budget" / "gpt_3.toml"


def book(folder, name, case=None, flavour="plain", settings=()):
    """A copy of a template's workbook, which is built once however many tests look at it, and its model."""
    content, model = built(name, case, flavour, tuple(settings))
    path = folder / f"{name}.{flavour}.xlsx"
    path.write_bytes(content)
    return path, model


@cache
def built(name, case, flavour, settings):
    template = layout.load(name)
    found = fill.read(case, template)[0] if case else fill.Case(name)
    model = fill.model(template, fill.with_settings(found, settings, template))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "built.xlsx")
        build.build(model, path, flavour, found.texts)
        return path.read_bytes(), model


@pytest.mark.unmeasured
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "case"), BOOKS, ids=lambda x: getattr(x, "stem", x))
def test_every_formula_equals_its_recalculation(name, case, engine, tmp_path):
    path, _ = book(tmp_path, name, case)
    stored = formulas(path)
    assert len(stored) > 300
    empty = [f for f in stored.values() if f.stored is None]
    assert all(f.formula.startswith("=IF(COUNT(") for f in empty), "only a table's row without figures has no value"
    assert not [f for f in stored.values() if f.stored in ERRORS]
    assert list(differences(stored, recalculate(path, engine), 1e-12)) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize(("name", "case"), BOOKS, ids=lambda x: getattr(x, "stem", x))
def test_named_functions_give_the_same_numbers(name, case, tmp_path):
    path, model = book(tmp_path, name, case, "lambda")
    stored = formulas(path)
    assert list(differences(stored, recalculate(path), 1e-12)) == []
    called = [x for x in model.lines if not isinstance(x, Heading) and x.metric]
    assert len([1 for sheet, cell in stored if sheet == "Functions" and cell.startswith("D")]) == len(called)


def test_another_case_is_recalculated(tmp_path):
    """The selector works in the sheet: the stored values of a Low book are what the engine finds."""
    path, model = book(tmp_path, "training_budget", GPT_3, settings=["case=Low", "Low.mfu=0.5"])
    assert model.value("mfu") == 0.5
    assert list(differences(formulas(path), recalculate(path), 1e-12)) == []


# What a person may type over in each template.
EDITS = {
    "training_budget": {"params_b": 8.0, "gpus": 512.0, "mfu": 0.37, "board_watts": 650.0},
    "gpu_buy_vs_rent": {
        "gpus": 24.0,
        "years": 3.0,
        "utilization": 0.45,
        "committed_share": 0.5,
        "power_stated": 900.0,
        "elastic_offer": "CoreWeave|H100 SXM 80GB|on-demand|latest",
        "discount_rate": 0.0,
        "timing": 1.0,
    },
    "inference_unit_economics": {
        "model": "DeepSeek-V3",
        "gpu": "H200 SXM 141GB",
        "gpus": 8.0,
        "cache_hit": 0.4,
        "batch": 200.0,
        "api_model": "deepseek-chat",
        "tokens_per_day": 3e8,
        "accepted_per_step": 1.8,
        "draft_tokens": 1.0,
    },
}


def edits(name):
    """The edits of a template, or the first inputs that can be moved by a twentieth."""
    if name in EDITS:
        return EDITS[name]
    model = Model(layout.load(name))
    found = {}
    for key, row in model.input_rows.items():
        value, q = row.values["Base"], row.input.kind
        if isinstance(value, float) and value and not q.whole and not q.auto and q.fits(value * 0.95):
            found[key] = value * 0.95
    return dict(list(found.items())[:8])


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", layout.names())
def test_what_is_typed_into_the_sheet_counts(name, tmp_path):
    """An engine computes from edited cells what the core computes from the same inputs; all but the sorted bars."""
    typed = edits(name)
    assert len(typed) >= 4
    (tmp_path / "other").mkdir()
    other, wanted = book(tmp_path / "other", name, settings=[f"{k}={v}" for k, v in typed.items()])
    path, model = book(tmp_path, name)
    edited = openpyxl.load_workbook(path)
    for key in typed:
        assert wanted.value(key) != model.value(key)
        for column in "EFG":
            edited["Inputs"][f"{column}{model.input_rows[key].row}"] = wanted.value(key)
    edited.save(tmp_path / "edited.xlsx")
    sheets = {"Cover", "Inputs", "Calculation", "Timeline", "Results"}
    stored = {at: f for at, f in formulas(other).items() if at[0] in sheets}
    assert list(differences(stored, recalculate(tmp_path / "edited.xlsx"), 1e-12)) == []


WITH_BARS = [name for name in layout.names() if layout.load(name).sensitivity]


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", WITH_BARS)
def test_a_sensitivity_is_what_the_moved_figure_gives(name):
    """Every bar of the tornado equals the result of a model whose input is the moved one; the widest comes first."""
    template = layout.load(name)
    model = fill.model(template, fill.Case(name))
    block = model.sensitivity.tornado
    reach = [max(abs(bar[3].value), abs(bar[7].value)) for _, bar in block.bars]
    assert reach == sorted(reach, reverse=True)
    compared = 0
    for swing, bar in block.bars:
        for moved, result in ((bar[1], bar[2]), (bar[5], bar[6])):
            if swing.key in template.by_key:
                settings = [f"{swing.key}={moved.value!r}"]
                other = fill.model(template, fill.with_settings(fill.Case(name), settings, template))
                assert result.value == pytest.approx(other.value(block.tornado.result), rel=1e-12)
                compared += 1
    assert compared >= 4
    for grid in model.sensitivity.grids:
        size = [len(axis.values or axis.shifts) for axis in (grid.grid.across, grid.grid.down)]
        # The values of a shifted axis are formulas too, but of another kind.
        assert len([c for c in grid.cells if c.kind == "calculation"]) == size[0] * size[1]


@pytest.mark.parametrize("name", layout.names())
def test_every_step_stands_once_with_a_label(name):
    """No two rows of the calculation have the same formula, but for a row that only repeats a figure under its name."""
    model = fill.model(layout.load(name), fill.Case(name))
    lines = [x for x in model.lines if not isinstance(x, Heading)]
    texts = [x.text for x in lines if not re.fullmatch(r"\w+", x.text)]
    assert len(texts) == len(set(texts))
    assert not [x.key for x in lines if x.label == x.key]


def test_the_seeds_buy_or_rent():
    """41,800 and 45.4% at face value, 39,603.76 with the power worked out, its shares against its own table."""
    template = layout.load("gpu_buy_vs_rent")
    cases = layout.folder() / "cases" / "gpu_buy_vs_rent"
    face, corrected = (
        fill.model(template, fill.read(cases / f"seed_h100_{n}.toml", template)[0])
        for n in ("face_value", "power_corrected")
    )
    assert face.value("tco_usd") == 41800
    assert round(face.value("breakeven_elastic"), 3) == 0.454
    assert face.value("saving_always_on") == pytest.approx(1 - 41800 / 91980)
    assert corrected.value("tco_usd") == pytest.approx(39603.76, abs=1e-9)
    assert corrected.value("power_usd") == pytest.approx(367.92)
    notes = {c.label: c.flag for c in face.checks if c.severity == "info"}
    assert notes["Power bill stated over worked out"] == 1
    assert notes["Share of the accelerator beyond the seed's range"] == 1
    assert not [c.label for c in face.checks if c.flag and c.severity == "check"]


def test_the_timeline_agrees_with_the_closed_forms():
    template = layout.load("gpu_buy_vs_rent")
    model = fill.model(template, fill.with_settings(fill.Case("x"), ["years=5", "discount_rate=0.07"], template))
    rows = {r.spec.key: [c.value for c in r.months] for r in model.months}
    assert rows["pv_to_date"][59] == pytest.approx(model.value("npv_usd"), rel=1e-12)
    crossed = next(n for n, x in enumerate(rows["unpaid"], 1) if x >= 0)
    assert crossed - 1 <= model.value("payback") <= crossed
    months = [c for c in model.checks if c.label.startswith("Months before payback")]
    assert [c.flag for c in months] == [0]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_bought_retires_and_is_depreciated_by_vintage(engine, tmp_path):
    """A plan longer than the life, against a simulation of every purchase; and by the sheet's look back."""
    settings = ["life_years=2", "hardware_change=-0.2", "existing_nodes=40", "most_nodes_month=60"]
    path, model = book(tmp_path, "fleet_plan", settings=settings)
    assert list(differences(formulas(path), recalculate(path, engine), 1e-12)) == []
    rows = {r.spec.key: [c.value for c in r.months] for r in model.months}
    bought, life = rows["bought"], 24
    node_usd = (31904.63 + 4247.5) * 8
    paid = [n * node_usd * 0.8 ** (m / 12) for m, n in enumerate(bought, 1)]
    for m in range(48):
        standing = range(max(0, m - life + 1), m + 1)
        assert rows["new_nodes"][m] == sum(bought[k] for k in standing)
        assert rows["retired_new"][m] == (bought[m - life] if m >= life else 0)
        for vintage in range(4):
            worth = sum(paid[k] / life for k in standing if k // 12 == vintage)
            assert rows[f"depreciation_{vintage + 1}"][m] == pytest.approx(worth, rel=1e-12, abs=1e-6)
    assert sum(rows["retired_new"]) > 0
    assert rows["book_value"][-1] == pytest.approx(
        sum(p * (1 - (48 - k) / life) for k, p in enumerate(paid) if 48 - k <= life), rel=1e-12
    )
    assert not [c.label for c in model.checks if c.flag and c.severity == "check"]


def test_owning_that_never_pays_back(tmp_path):
    path, model = book(tmp_path, "gpu_buy_vs_rent", settings=["utilization=0.1"])
    assert (model.value("payback"), model.value("payback_discounted")) == ("never", "never")
    assert model.value("npv_usd") < 0
    assert list(differences(formulas(path), recalculate(path), 1e-12)) == []


def test_llama_70b_against_its_api():
    import xl_econ

    template = layout.load("inference_unit_economics")
    case = layout.folder() / "cases" / "inference_unit_economics" / "llama_70b_on_2xh100_vs_api.toml"
    model = fill.model(template, fill.read(case, template)[0])
    served = ("Llama-3.1/3.3-70B", "H100 SXM", 2.5, 1024, 1024)
    for key, part in (("cost_usd_mtok", "blended"), ("cost_low", "low"), ("output_usd_mtok", "output")):
        assert model.value(key) == xl_econ.token_cost(*served, gpus=2, part=part)
    assert model.value("ttft") == xl_econ.ttft_ms(*served[:2], 1024, 1024, gpus=2)
    assert model.value("api_usd_mtok") == 0.88
    assert round(model.value("margin_at_api"), 3) == 0.409


def test_llama_3_1_405b(tmp_path):
    path, model = book(
        tmp_path, "training_budget", layout.folder() / "cases" / "training_budget" / "llama_3_1_405b.toml"
    )
    assert round(model.value("gpu_hours") / 1e6, 2) == 28.84
    assert round(model.value("run_usd") / 1e6, 1) == 72.1
    assert model.value("disclosed_hours") == 30.84e6
    assert f"{model.value('hours_deviation'):.1%}" == "-6.5%"
    found = openpyxl.load_workbook(path, data_only=True)
    rows = {r[1].value: r for r in found["Checks"].iter_rows(min_row=6)}
    check = rows["GPU-hours against the published run"]
    assert f"{check[3].value:.1%}" == "-6.5%"
    assert check[9].value == 0
    assert rows["Seed benchmarks: rows with implied_mfu above 100%"][3].value == 1
    seed = found["Seed benchmarks"]
    header = [c.value for c in seed[5]]
    implied = {r[0].value: r[header.index("implied_mfu")].value for r in seed.iter_rows(min_row=6)}
    assert f"{implied['GPT-3']:,.0%}" == "8,013%"
    assert max(v for k, v in implied.items() if k != "GPT-3" and v) < 0.6


@pytest.mark.unmeasured
@pytest.mark.parametrize("flavour", build.FLAVOURS)
@pytest.mark.parametrize("name", layout.names())
def test_file_format(name, flavour, tmp_path):
    """No @ in Excel 365, no name that Excel repairs, no function without its prefix, nothing volatile."""
    path, _ = book(tmp_path, name, flavour=flavour)
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        for part in package.namelist():
            if part.endswith((".xml", ".rels")):
                ElementTree.fromstring(package.read(part))
        workbook = package.read("xl/workbook.xml").decode()
        sheets = "".join(package.read(n).decode() for n in package.namelist() if n.startswith("xl/worksheets/sheet"))
    assert 'fullCalcOnLoad="1"' in workbook
    names = re.findall(r'<definedName name="([^"]+)"', workbook)
    assert len(names) == len({n.casefold() for n in names if not n.startswith("_xlnm.")}) + sum(
        n.startswith("_xlnm.") for n in names
    )
    assert not [n for n in names if re.fullmatch(r"(?i)[a-z]{1,3}\d+|r\d*c?\d*|c\d*", n)]
    texts = re.findall(r"<f[^>]*>([^<]*)</f>", sheets)
    assert len(texts) > 300
    for text in texts:
        assert len(text) <= 8192
        assert not re.search(r"(?<!SUM\()\bINDEX\(", text), f"Excel 365 would show an @: {text}"
        assert not re.search(r"\b(OFFSET|INDIRECT|NOW|TODAY|RAND|CELL|INFO)\(", text), f"volatile: {text}"
        assert not re.search(r"(?<!_xlfn\.)\b(LET|LAMBDA|XLOOKUP|FILTER|ISOMITTED)\(", text)
        assert "[@" not in text
    if flavour == "plain":
        assert "LAMBDA" not in workbook
        assert "_xlfn" not in sheets
        assert 'cm="1"' not in sheets
    assert "externalLink" not in workbook
    tables = {t.sheet for t in map(layout.table, layout.load(name).tables)}
    assert set(re.findall(r"\b([A-Z]\w+)\[", workbook)) <= tables, "a name reads a table that is not there"


def test_the_file_shows_no_at_sign(tmp_path):
    """IronCalc marks, as Excel 365 does, where a plain formula would get an implicit intersection."""
    import ironcalc

    path, _ = book(tmp_path, "training_budget")
    model = ironcalc.load_from_xlsx(str(path), "en", "UTC")
    shown = [model.get_cell_formula(*at) or "" for at in model.get_all_cells()]
    assert len([s for s in shown if s]) > 300
    assert not [s for s in shown if "@" in s]


def test_same_input_same_bytes():
    first, second = (built.__wrapped__("training_budget", GPT_3, "plain", ())[0] for _ in range(2))
    assert first == second


@pytest.mark.unmeasured
def test_the_shipped_workbooks_are_current(tmp_path):
    """The workbooks beside the layouts are what the layouts give."""
    for name in layout.names():
        for flavour in build.FLAVOURS:
            path, _ = book(tmp_path, name, flavour=flavour)
            shipped = layout.folder() / (f"{name}.xlsx" if flavour == "plain" else f"{name}.lambda.xlsx")
            assert parts(shipped) == parts(path), f"{shipped.name} is stale: run make generate"
    for case in CASES:
        path, _ = book(tmp_path, case.parent.name, case)
        shipped = layout.folder().parent / "workbooks" / "examples" / f"{case.stem}.xlsx"
        assert parts(shipped) == parts(path), f"{shipped.name} is stale: run make generate"


def parts(path):
    """What a workbook's package holds; compressed bytes differ between builds of zlib."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_text_never_becomes_a_formula(tmp_path):
    template = layout.load("training_budget")
    case = fill.Case("x", texts={"purpose": "=1+1", "owner": "@SUM(A1)"})
    path = tmp_path / "x.xlsx"
    build.build(fill.model(template, case), path, texts=case.texts)
    cover = openpyxl.load_workbook(path)["Cover"]
    assert (cover["C4"].value, cover["C4"].data_type) == ("=1+1", "s")
    assert cover["C5"].data_type == "s"


def test_names_lead_to_the_live_inputs_and_results(tmp_path):
    path, model = book(tmp_path, "training_budget")
    found = openpyxl.load_workbook(path, data_only=True)
    for name, defined in found.defined_names.items():
        ((sheet, cell),) = defined.destinations
        kind, _, key = name.partition(".")
        value = found[sheet][cell].value
        if kind == "results" or key in model.layout.by_key:
            assert value == model.value(key), name
    assert "results.run_usd" in found.defined_names


LAYOUT = (layout.folder() / "training_budget.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            'formula = "train_days(gpu_hours, gpus)"',
            'formula = "train_dais(gpu_hours, gpus)"',
            "no function 'train_dais'",
        ),
        (
            'formula = "train_days(gpu_hours, gpus)"',
            'formula = "train_days(gpu_hour, gpus)"',
            "unknown name 'gpu_hour'; did",
        ),
        ('formula = "train_days(gpu_hours, gpus)"', 'formula = "[gpus]"', "not part of the formula language"),
        ('formula = "train_days(gpu_hours, gpus)"', "formula = \"__import__('os')\"", "no function '__import__'"),
        ('formula = "train_days(gpu_hours, gpus)"', 'formula = "gpus.real"', "not part of the formula language"),
        ('formula = "train_days(gpu_hours, gpus)"', 'formula = "gpus +"', "invalid syntax"),
        ('formula = "train_days(gpu_hours, gpus)"', 'formula = "1 + 2"', "does not depend on any input"),
        (
            'formula = "train_days(gpu_hours, gpus)"',
            'formula = "train_days(gpu_hours, gpus)", unit = "h"',
            "says h but",
        ),
        ('key = "deadline_gpus", label', 'key = "mfu", label', "key 'mfu' is used twice"),
        ('quantity = "ParamsB"', 'quantity = "ParamB"', "no quantity 'ParamB'; did you mean 'ParamsB'"),
        ('formula = "headroom_usd"', 'formula = "run_days + train_flop"', "+ of day and FLOP"),
        ('formula = "headroom_usd"', 'formula = "cluster_size(gpu_hours, deadline_days)"', "has steps of its own"),
        ('headline = ["run_usd"', 'headline = ["run_us"', "headline: unknown key 'run_us'; did you mean 'run_usd'"),
        ('series = ["gpu_hours"', 'series = ["gpu_hour"', "charts: unknown key 'gpu_hour'; did you mean 'gpu_hours'"),
        ("[[charts]]", "[[chart]]", "chart: extra inputs are not permitted"),
        ("version =", "version", "training_budget.toml: "),
    ],
)
def test_a_layout_that_cannot_be_built(old, new, text):
    assert old in LAYOUT
    with pytest.raises((LayoutError, TypeError)) as e:
        Model(layout.parse(LAYOUT.replace(old, new, 1), "training_budget.toml"))
    assert text in str(e.value)


BUY_OR_RENT = (layout.folder() / "gpu_buy_vs_rent.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            'unit = "ratio", total = "sum"',
            'unit = "USD", total = "sum"',
            "timeline in_horizon: the layout says USD but",
        ),
        ('key = "in_horizon"', 'key = "npv_usd"', "timeline: the key 'npv_usd' is used twice"),
        ("previous(rent_to_date)", "previous(upfront_usd)", "no earlier month of 'upfront_usd'"),
        ("previous(rent_to_date)", "earlier(upfront_usd, months)", "no earlier month of 'upfront_usd'"),
        ("previous(rent_to_date)", "earlier(rent_to_date, rent_flow)", "'rent_flow' is no figure outside the timeline"),
        ("previous(rent_to_date)", "recent(rent_to_date, monts)", "recent(row, months): 'monts' is no figure outside"),
        ("previous(rent_to_date)", "recent(rent_to_date)", "it is recent(row, months)"),
        ("previous(rent_to_date)", "previous(rent_flow, months)", "it is previous(row)"),
        ('result = "breakeven_share"', 'result = "breakeven_shar"', "unknown key 'breakeven_shar'; did you mean"),
        ('{ key = "usd_per_kwh" }', '{ key = "idle_power" }', "npv_usd does not depend on idle_power"),
        ("figure('cost_components', 'Power'", "figure('cost_component', 'Power'", "no table 'cost_component'; did you"),
        ("'GPU/accelerator', 'share_low'", "'GPU/accelerator', 'share_lo'", "has no column 'share_lo'; did you mean"),
        ("figure('cost_components', 'Power', 'share_low')", "figure('cost_components', 'Powr', 'share_low')", "'Powr'"),
    ],
)
def test_a_timeline_or_sensitivity_that_cannot_be_built(old, new, text):
    assert old in BUY_OR_RENT
    with pytest.raises(LayoutError) as e:
        Model(layout.parse(BUY_OR_RENT.replace(old, new, 1), "gpu_buy_vs_rent.toml"))
    assert text in str(e.value)


def test_a_chain_too_long_for_a_cell():
    text = (layout.folder() / "inference_unit_economics.toml").read_text()
    with pytest.raises(LayoutError, match="cost_usd_mtok over input_tokens is too long for one cell"):
        Model(layout.parse(text.replace('{ key = "mbu"', '{ key = "input_tokens"', 1), "x.toml"))


def test_unknown_template():
    with pytest.raises(UsageError, match="no template 'trainingbudget'; did you mean 'training_budget'"):
        layout.load("trainingbudget")


def test_new_lists_and_writes(tmp_path, capsys):
    assert cli.main(["new", "--json"]) == 0
    assert {x["template"] for x in json.loads(capsys.readouterr().out)} >= set(layout.names())
    path = tmp_path / "n.xlsx"
    assert cli.main(["new", "training_budget", "-o", str(path), "--flavour", "lambda"]) == 0
    assert "Functions" in openpyxl.load_workbook(path).sheetnames
    assert Path(path).stat().st_size > 10_000
