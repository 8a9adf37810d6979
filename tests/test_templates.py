"""Every template, both flavours: every formula equals two engines, and the file follows the rules of the format."""

import hashlib
import json
import re
import zipfile
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
    template = layout.load(name)
    found = fill.read(case, template)[0] if case else fill.Case(name)
    path = folder / f"{name}.{flavour}.xlsx"
    model = fill.model(template, fill.with_settings(found, settings, template))
    build.build(model, path, flavour, found.texts)
    return path, model


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


def test_same_input_same_bytes(tmp_path):
    digests = set()
    for n in (1, 2):
        (tmp_path / str(n)).mkdir()
        path, _ = book(tmp_path / str(n), "training_budget", GPT_3)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


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
