"""All cases in one workbook: a column each, every value recalculated, and the cases come back as they were."""

import json

import pytest
from support import template_cases

from xl_econ import cli
from xl_econ.core.errors import InputError
from xl_econ.templates import build, casefile, fill, layout
from xl_econ.templates.diff import diff
from xl_econ.templates.edited import Edited
from xl_econ.templates.together import together
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate

TEMPLATE = layout.load("training_budget")
NAMES = ("Llama 3.1 405B", "=1+1", "A, <b> & ü.")


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def rows(template):
    """Three rows of a case file, each with the base values of a random case."""
    found = []
    for n, case in enumerate(template_cases(template, 8)[-3:]):
        base = dict(case.values["Base"])
        origins = {key: layout.Origin(source=f"Paper {key}", as_of="2026-11-23", grade="B") for key in base}
        values = dict.fromkeys(layout.CASES, base)
        found.append(fill.Case(NAMES[n], "Base", values, {"owner": "Me"}, origins, where=f"f.csv, line {n + 2}"))
    return found


def written(folder, name, case, flavour="plain"):
    model = fill.model(layout.load(name), case)
    path = folder / f"{name}.xlsx"
    build.build(model, path, flavour, case.texts, force=True)
    return path, model


@pytest.mark.parametrize(
    ("name", "engine"),
    [(name, "ironcalc") for name in layout.names()]
    + [pytest.param("fleet_plan", "libreoffice", marks=pytest.mark.libreoffice)],
)
def test_every_formula_equals_its_recalculation(name, engine, tmp_path):
    template = layout.load(name)
    case = together(rows(template), template, "x")
    path, model = written(tmp_path, name, fill.with_settings(case, [f"case={NAMES[1]}"], template))
    assert model.selected == NAMES[1]
    assert list(differences(formulas(path), recalculate(path, engine), 1e-12)) == []


@pytest.mark.parametrize("name", layout.names())
def test_each_case_has_the_results_of_a_workbook_of_its_own(name):
    template = layout.load(name)
    given = rows(template)
    model = fill.model(template, together(given, template, "x"))
    for case in given:
        alone = fill.model(template, case)
        for r in template.results:
            if r.key not in model.timeline_keys:  # which has the live case only
                assert model.value(r.key, case.name) == alone.value(r.key, "Base")
        for a, b in zip(model.checks, alone.checks, strict=True):
            assert a.values.get(case.name) == b.values.get("Base")


@pytest.mark.parametrize("ending", casefile.FORMATS)
@pytest.mark.parametrize("name", layout.names())
def test_the_cases_come_back_exactly(name, ending, tmp_path):
    template = layout.load(name)
    case = fill.with_settings(together(rows(template), template, "x"), [f"case={NAMES[2]}", "purpose==p"], template)
    path, model = written(tmp_path, name, case)
    held = Edited(path).read("x")
    assert held.cases == NAMES
    assert held.values == {c: {k: model.value(k, c) for k in template.by_key} for c in NAMES}
    assert (held.selected, held.texts) == (NAMES[2], {"owner": "Me", "purpose": "=p"})
    casefile.write(file := tmp_path / f"x{ending}", held, name)
    again = together(fill.read(file, template, named=True), template, "x")
    for what in ("cases", "values", "selected", "texts"):
        assert getattr(again, what) == getattr(held, what)
    first = Edited(written(tmp_path, name, again)[0]).read("x")
    assert (first.values, first.origins) == (held.values, held.origins)


def test_the_command(tmp_path, capsys):
    cases = tmp_path / "m.csv"
    cases.write_text("name,mfu,gpus,case\nsmall,41%,512,\nlarge,0.35,16384,small\nbad mfu,0.99,512,\n")
    out = tmp_path / "m.xlsx"
    args = ["fill", "training_budget", "-i", cases, "--together", "-o", out]
    code, printed, _ = run([*args, "--json"], capsys)
    report = json.loads(printed)
    assert (code, report["case"], list(report["by_case"])) == (0, "small", ["small", "large", "bad mfu"])
    failing = {case for case, found in report["by_case"].items() if "MFU within what runs reach" in found["failing"]}
    assert failing == {"bad mfu"}
    small, large = (report["by_case"][case]["results"]["run_usd"] for case in ("small", "large"))
    assert large == pytest.approx(small * 0.41 / 0.35)
    assert list(tmp_path.glob("*.xlsx")) == [out]
    # Filled again where its inputs stand, compared, upgraded.
    copy = tmp_path / "copy.xlsx"
    assert run(["fill", out, "--set", "large.mfu=0.3", "--set", "case=large", "-o", copy], capsys)[0] == 0
    assert list(differences(formulas(copy), recalculate(copy), 1e-12)) == []
    changed = {f.name for f in diff(out, copy) if f.group == "inputs"}
    assert changed == {"large.mfu", "mfu.source"}
    assert run(["upgrade", copy, "--dry-run"], capsys)[0] == 0
    code, _, err = run(["fill", out, "--set", "huge.mfu=0.3"], capsys)
    assert (code, "no case 'huge'; there are small, large, bad mfu" in err) == (3, True)
    for wrong in (["--resume"], ["--jobs", 2]):
        assert run([*args, *wrong], capsys)[0] == 2
    assert run(["fill", "training_budget", "--set", "mfu=0.4", "--together", "-o", out], capsys)[0] == 2
    assert run(["fill", out, "-i", cases, "--together"], capsys)[0] == 2


BAD = [
    ("name,mfu\na,0.4\nA,0.41\n", "m.csv, line 3: a case is called 'A' already (m.csv, line 2)"),
    ("name,mfu\na,0.4\nb*,0.41\n", "m.csv, line 3: the case name 'b*' holds one of * ? ~"),
    ("name,mfu\nlive,0.4\n", "the case name 'live' is what the chosen case is called"),
    ("name,mfu\n" + "x" * 101 + ",0.4\n", "longer than 100 characters"),
    ('name,mfu\n"a\tb",0.4\n', "holds a control character"),
    ("name,mfu\na ,0.4\n", "begins or ends with a blank"),
    ("name,mfu,Low.mfu\na,0.4,0.3\n", "m.csv, line 2 (a): Low.mfu: in one workbook a row is one case"),
    ("name,High.mfu\na,0.4\n", "m.csv, line 2 (a): High.mfu: in one workbook a row is one case"),
    ("name,mfu\n" + "".join(f"c{n},{0.4 if n < 7 else 41}\n" for n in range(1, 9)), "m.csv, line 8 (c7): mfu = 41: "),
    ("name,mfu,owner\na,0.4,p\nb,0.4,q\n", "m.csv, line 3 (b): owner = 'q', but m.csv, line 2 says 'p'"),
    ("name,mfu,case\na,0.4,c\nb,0.4,\n", "m.csv, line 2: no case 'c'; there are a, b"),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said[-30:] for _, said in BAD])
def test_what_cannot_stand_in_one_workbook_is_one_line(text, said, tmp_path, capsys):
    (tmp_path / "m.csv").write_text(text)
    out = tmp_path / "x.xlsx"
    code, _, err = run(["fill", "training_budget", "-i", tmp_path / "m.csv", "--together", "-o", out], capsys)
    assert (code, said in err, err.count("\n")) == (3, True, 1)
    assert not out.exists()


def test_more_cases_than_choose_takes():
    held = [{"mfu": 0.3 + n / 1000} for n in range(260)]
    given = [fill.Case(f"c{n}", values=dict.fromkeys(layout.CASES, values)) for n, values in enumerate(held)]
    with pytest.raises(InputError, match=r"no case 'x'; there are c0, .* and 250 more"):
        fill.with_settings(together(given, TEMPLATE, "x"), ["case=x"], TEMPLATE)
    model = fill.model(TEMPLATE, together(given[:12], TEMPLATE, "x"))
    assert model.columns.chosen("$D$6", 9) == "INDEX(E9:P9,$D$6)"


def test_sources_that_differ_are_named_and_the_lowest_grade_counts():
    a = rows(TEMPLATE)[0]
    key = next(iter(a.values["Base"]))
    base = {key: a.values["Base"][key], "mfu": 0.4}
    values = dict.fromkeys(layout.CASES, base)
    said = [
        {key: layout.Origin(source="One", as_of="2026", grade="A"), "mfu": layout.Origin(source="M")},
        {key: layout.Origin(source="Two", as_of="2025", grade="C"), "mfu": layout.Origin(source="M")},
    ]
    pair = [fill.Case(n, values=values, origins=o) for n, o in zip("ab", said, strict=True)]
    without = fill.Case(
        "c", values={case: {"mfu": 0.4} for case in layout.CASES}, origins={"mfu": layout.Origin(source="M")}
    )
    case = together([*pair, without], TEMPLATE, "x")
    origin = case.origins[key]
    assert origin.source.startswith("a: One; b: Two; c: the template's own: ")
    assert origin.grade == max("C", TEMPLATE.by_key[key].grade)
    assert case.origins["mfu"].source == "M"
    many = [
        fill.Case(f"c{n}", values=values, origins={key: layout.Origin(source="s" * n), "mfu": said[0]["mfu"]})
        for n in range(1, 60)
    ]
    assert together(many, TEMPLATE, "x").origins[key].source.startswith("59 sources, see the case file: ")
