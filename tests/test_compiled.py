"""Many workbooks at once: what the compiled template writes is what the builder writes, and both are right."""

import json
import zipfile
from dataclasses import replace

import pytest
from support import template_cases

from xl_econ import cli
from xl_econ.core.errors import InputError, WorkbookError
from xl_econ.engines import engine
from xl_econ.templates import batch, build, casefile, compiled, compute, fill, layout
from xl_econ.templates import many as many_module
from xl_econ.templates.edited import Edited
from xl_econ.workbook import write as write_module
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.recalc import recalculate, same

TEMPLATE = layout.load("training_budget")
LLAMA = layout.folder() / "cases" / "training_budget" / "llama_3_1_405b.toml"
SETTINGS = [
    [],
    ["case=high", "mfu=0.3333333333333333", "purpose==1+1 <&>", "owner=Me"],
    ["gpus=1000", "Low.usd_per_gpu_hour=1.0000000000000002", "budget_usd=12e6", "High.mfu=0.05", "case=low"],
    ["reference_run=GPT-3", "gpu=A100", "precision=fp16"],
    ["pue=1.1", "load=1e-7", "failures_per_gpu_hour=1e-5"],
]


def cells(path):
    """Every cell with what it holds, and the parts that have none."""
    book = Parts(path)
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        parts = {n: package.read(n) for n in package.namelist()}
    found = {}
    for name, part in book.parts.items():
        sheet = book.sheet(name)
        del parts[part]
        for cell in sheet.cells():
            value = sheet.stored(cell, book.shared)
            # An empty text and an empty cell are the same to everyone who looks.
            found[name, cell.at] = (None if value == "" else value, sheet.formula(cell))
    return found, parts


@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_the_same_as_built(flavour, tmp_path):
    blank = compiled.Blank(TEMPLATE, flavour)
    llama = fill.read(LLAMA, TEMPLATE)[0]
    for n, settings in enumerate(SETTINGS):
        case = fill.with_settings(llama if n % 2 else fill.Case("x"), settings, TEMPLATE)
        model = fill.model(TEMPLATE, case)
        build.build(model, tmp_path / "built.xlsx", flavour, case.texts)
        quick = blank.calculator(case)
        assert quick == compute.computed(model, case.texts)
        blank.write(quick, tmp_path / "quick.xlsx")
        (a, a_parts), (b, b_parts) = cells(tmp_path / "built.xlsx"), cells(tmp_path / "quick.xlsx")
        assert a == b
        assert list(a_parts) == list(b_parts)
        assert {n for n in a_parts if a_parts[n] != b_parts[n]} <= {"xl/sharedStrings.xml"}


@pytest.mark.unmeasured
@pytest.mark.parametrize("flavour", build.FLAVOURS)
@pytest.mark.parametrize("name", layout.names())
def test_every_template_is_the_same_as_built(name, flavour, tmp_path):
    """Months, sensitivities, sorted bars, charts: every cell, and every part but for shared texts and styles."""
    template = layout.load(name)
    blank = compiled.Blank(template, flavour)
    orders = set()
    for case in template_cases(template, 6):
        model = fill.model(template, case)
        build.build(model, tmp_path / "built.xlsx", flavour, case.texts)
        quick = blank.calculator(case)
        assert blank.calculator._quickly(case) is not None, "no case needs the full model"
        assert quick == compute.computed(model, case.texts)
        orders.add(tuple(quick.order))
        blank.write(quick, tmp_path / "quick.xlsx")
        (a, a_parts), (b, b_parts) = cells(tmp_path / "built.xlsx"), cells(tmp_path / "quick.xlsx")
        assert a == b
        assert list(a_parts) == list(b_parts)
        # A long text wraps in its cell where a workbook is built for it.
        allowed = {"xl/sharedStrings.xml", "xl/styles.xml"}
        assert {n for n in a_parts if a_parts[n] != b_parts[n]} <= allowed
    # The bars did change places somewhere, or the test would not show that they can.
    assert len(orders) > 1 or not quick.order


@pytest.mark.parametrize("name", layout.names())
def test_random_cases_are_as_recalculated(name, tmp_path):
    template = layout.load(name)
    blank = compiled.Blank(template)
    for case in template_cases(template, 6)[-2:]:
        blank.write(blank.calculator(case), tmp_path / "q.xlsx")
        found = recalculate(tmp_path / "q.xlsx")
        for at, f in Parts(tmp_path / "q.xlsx").formulas():
            assert same(f.value, found[at], 1e-12), at


def test_what_cannot_be_computed_says_the_same():
    calculator = compute.Calculator(TEMPLATE)
    for settings in (["mfu=41"], ["gpu=H10O"], ["gpu=V100"], ["gpus=1e9", "failures_per_gpu_hour=1"]):
        case = fill.with_settings(fill.Case("x"), settings, TEMPLATE)
        with pytest.raises(InputError) as full:
            fill.model(TEMPLATE, case, "f")
        with pytest.raises(InputError) as quick:
            calculator(case, "f")
        assert str(full.value) == str(quick.value)


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def many(path, count=6):
    rows = [f"c{n},{8 + n},{0.3 + n / 100}" for n in range(count)]
    path.write_text("\n".join(["name,params_b,mfu", *rows]) + "\n")
    return path


def test_many_in_several_processes_and_again(tmp_path, capsys):
    cases = many(tmp_path / "m.csv")
    base = ["fill", "training_budget", "-i", cases, "--json", "-o"]
    code, printed, _ = run([*base, tmp_path / "a"], capsys)
    assert code == 0
    reports = json.loads(printed)
    single = batch.prepare(TEMPLATE, fill.read(cases, TEMPLATE)[2:3], None)
    assert reports[2] == batch.write(single[0]) | {"output": str(tmp_path / "a" / "c2.xlsx")}
    code, printed, _ = run([*base, tmp_path / "b", "--jobs", 2], capsys)
    assert [r["name"] for r in json.loads(printed)] == [f"c{n}" for n in range(6)]
    for n in range(6):
        assert (tmp_path / "a" / f"c{n}.xlsx").read_bytes() == (tmp_path / "b" / f"c{n}.xlsx").read_bytes()
    # What was interrupted goes on: a missing workbook, one that was changed, one of another case.
    a = tmp_path / "a"
    (a / "c1.xlsx").unlink()
    (a / "c2.xlsx").write_bytes((a / "c3.xlsx").read_bytes())
    patch(Parts(a / "c4.xlsx"), a / "c4.xlsx", {("Inputs", "E17"): 0.2})
    times = {p.name: p.stat().st_mtime_ns for p in a.iterdir()}
    code, printed, _ = run([*base, a, "--resume"], capsys)
    assert (code, [r.get("held") for r in json.loads(printed)]) == (0, [True, None, None, True, None, True])
    assert {p.name for p in a.iterdir() if times.get(p.name) == p.stat().st_mtime_ns} == {
        f"c{n}.xlsx" for n in (0, 3, 5)
    }
    assert run([*base, a, "--resume", "--flavour", "lambda"], capsys)[0] == 0
    assert "Functions" in Parts(a / "c0.xlsx").parts
    assert run([*base, a, "--jobs", 0], capsys)[0] == 2


def test_many_write_nothing_when_one_is_bad(tmp_path, capsys):
    cases = many(tmp_path / "m.csv")
    cases.write_text(cases.read_text() + "bad,8,41\n")
    code, _, err = run(["fill", "training_budget", "-i", cases, "-o", tmp_path / "a"], capsys)
    assert (code, err) == (3, "xl-econ: m.csv, line 8 (bad): mfu = 41: write 0.41 or 41%\n")
    assert not (tmp_path / "a").exists()


def test_a_process_that_cannot_write_is_one_error(tmp_path, capsys):
    runner = many_module.Run(TEMPLATE)
    tasks = runner.prepare(fill.read(many(tmp_path / "m.csv"), TEMPLATE), tmp_path / "a")
    (tmp_path / "a" / "c2.xlsx").mkdir()
    for workers in (1, 2):
        with engine("local", workers) as where, pytest.raises(WorkbookError, match=r"c2\.xlsx: is a folder"):
            list(runner.write(tasks, where))


def test_names_of_cases_become_files_in_the_folder_on_every_system(tmp_path, capsys):
    names = ["CON", "aux.xlsx", "../../x", "nul", "C:\\temp\\y", "COM1.2", "console", "ü"]
    cases = tmp_path / "m.csv"
    cases.write_text("name,mfu\n" + "".join(f"{name},0.4\n" for name in names), encoding="utf-8")
    assert run(["fill", "training_budget", "-i", cases, "-o", tmp_path / "a"], capsys)[0] == 0
    found = ["C_temp_y", "_COM1.2", "_CON", "_aux.xlsx", "_nul", "console", "x", "ü"]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [f"{name}.xlsx" for name in found]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "m.csv"]


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [(KeyboardInterrupt(), 130, "interrupted"), (OSError(28, "No space left on device"), 4, "No space left on device")],
)
def test_what_stops_a_run_leaves_whole_files_and_it_goes_on_from_there(stop, code, said, tmp_path, capsys, monkeypatch):
    cases, left = (
        tmp_path / "m.csv",
        [5],
    )  # the template that is compiled is two files, with and without its description
    args = ["fill", "fleet_plan", "-i", cases, "-o", tmp_path / "a"]
    key = next(k for k, i in layout.load("fleet_plan").by_key.items() if not i.kind.is_text and i.kind.high > 1)
    value = layout.load("fleet_plan").by_key[key].base
    cases.write_text(f"name,{key}\n" + "".join(f"c{n},{value}\n" for n in range(6)))
    replacing = write_module.Path.replace

    def stopping(self, target):
        left[0] -= 1
        if left[0] < 0:
            raise stop
        return replacing(self, target)

    monkeypatch.setattr(write_module.Path, "replace", stopping)
    found, _, err = run(args, capsys)
    monkeypatch.undo()
    assert (found, said in err, err.count("\n")) == (code, True, 1)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["c0.xlsx", "c1.xlsx", "c2.xlsx"]
    found, printed, _ = run([*args, "--resume", "--json"], capsys)
    assert (found, [r.get("held") for r in json.loads(printed)]) == (0, [True] * 3 + [None] * 3)


@pytest.mark.parametrize("name", layout.names())
def test_a_filled_workbook_gives_its_case_back_exactly(name, tmp_path):
    """Through every format: values to the last digit, sources, dates, blanks and awkward texts."""
    template = layout.load(name)
    blank = compiled.Blank(template)
    texts = {"purpose": '=1+1 "q" <&> \\ ü\nline', "owner": "-@x"}
    for case in template_cases(template, 5):
        origins = {
            k: layout.Origin(source=f"'{k}', \"p\"", as_of="2026-11", grade="C") for k in case.values.get("Base", {})
        }
        full = replace(case, texts=texts, origins=origins)
        blank.write(blank.calculator(full), tmp_path / "a.xlsx")
        held = Edited(tmp_path / "a.xlsx").read(case.name)
        computed = blank.calculator(full)
        assert held.values == {c: {k: computed.values[c][k] for k in template.by_key} for c in layout.CASES}
        assert (held.selected, held.texts, held.origins) == (case.selected, texts, computed.origins)
        for ending in casefile.FORMATS:
            casefile.write(path := tmp_path / f"a{ending}", held, name)
            [again] = fill.read(path, template)
            assert (again.values, again.texts, again.origins) == (held.values, held.texts, held.origins)
            assert (again.name if ending != ".csv" else case.name, again.selected) == (case.name, held.selected)
            blank.write(blank.calculator(again), tmp_path / "b.xlsx")
            assert Edited(tmp_path / "b.xlsx").read(case.name) == held
