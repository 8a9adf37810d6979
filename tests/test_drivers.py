"""The Drivers sheet: a figure that a target needs leads to the target; the steps of a bridge lead from case to case."""

import openpyxl
import pytest
from support import template_cases

from xl_econ.core.errors import LayoutError
from xl_econ.templates import fill, layout
from xl_econ.templates.goals import NONE
from xl_econ.templates.layout import CASES
from xl_econ.templates.model import Model
from xl_econ.templates.parts import LIVE
from xl_econ.workbook.recalc import recalculate

NAMES = [name for name in layout.names() if layout.load(name).drivers]


def drawn(model):
    by_case = {case: model.values(case) for case in model.columns.of}
    return model.drivers, model.drivers.values(by_case)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_target_needs_leads_there(name):
    """A model whose input is the figure that the sheet gives has the target as its result."""
    template, compared = layout.load(name), 0
    for case in template_cases(template, 4):
        sheet, cells = drawn(fill.model(template, case))
        for block in sheet.sought:
            for row, key in enumerate(block.goal.rows, block.first):
                if key not in template.by_key or cells[f"I{row}"] != "yes":
                    continue
                other = fill.model(template, fill.with_settings(case, [f"{key}={cells[f'E{row}']!r}"], template))
                assert other.value(block.goal.result) == pytest.approx(
                    cells[block.target], rel=1e-9, abs=1e-9 * abs(cells[block.live])
                )
                compared += 1
    assert compared >= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_bridge_goes_step_by_step(name):
    """Each level is the result of a model with so many inputs of the other case; the effects sum to the difference."""
    template = layout.load(name)
    for case in template_cases(template, 3):
        model = fill.model(template, case)
        sheet, cells = drawn(model)
        block, settings = sheet.bridge, []
        result = block.spec.result
        for row, key in enumerate(block.spec.rows, block.first):
            if key not in template.by_key:
                break
            settings.append(f"{key}={model.value(key, block.to)!r}")
            moved = fill.model(template, fill.with_settings(case, settings, template))
            assert cells[f"F{row}"] == pytest.approx(moved.value(result, "Base"), rel=1e-12, abs=1e-6)
        effects = [cells[f"G{row}"] for row in range(block.first, block.end)]
        whole = model.value(result, block.to) - model.value(result, "Base")
        scale = abs(model.value(result, "Base")) + abs(model.value(result, block.to))
        assert sum(effects) == pytest.approx(whole, abs=1e-12 * scale)


def test_another_case_is_chosen_in_the_sheet(tmp_path):
    """An engine that finds another case in the blue cell bridges to it."""
    from xl_econ.templates.build import build

    model = Model(layout.load("training_budget"))
    build(model, tmp_path / "a.xlsx")
    book, block = openpyxl.load_workbook(tmp_path / "a.xlsx"), model.drivers.bridge
    book["Drivers"][block.to_name] = "Low"
    book["Drivers"][model.drivers.sought[0].shift] = -0.2
    book.save(tmp_path / "b.xlsx")
    found = recalculate(tmp_path / "b.xlsx")
    assert found["Drivers", f"F{block.end}"] == pytest.approx(model.value("program_usd", "Low"), rel=1e-12)
    assert found["Drivers", f"B{block.end}"] == "Low"
    # By hand: the cost is proportional to the price, but for what is not compute, which is 0 here.
    row = model.drivers.sought[0].first
    assert found["Drivers", f"E{row}"] == pytest.approx(0.8 * 2.50, rel=1e-12)
    assert found["Checks", "C3"] == "All checks pass"


def test_a_target_that_no_figure_reaches(tmp_path):
    """Without spot hours their rework changes nothing: the sheet says none, and every engine agrees."""
    from xl_econ.templates.build import build

    template = layout.load("commitment_mix")
    case = fill.with_settings(fill.Case("no spot"), ["spot_share=0"], template)
    model = fill.model(template, case)
    sheet, cells = drawn(model)
    block = sheet.sought[0]
    row = block.first + block.goal.rows.index("rework")
    assert [cells[f"{c}{row}"] for c in "EFIJ"] == [NONE, NONE, "no", NONE]
    build(model, tmp_path / "a.xlsx")
    found = recalculate(tmp_path / "a.xlsx")
    assert [found["Drivers", f"{c}{row}"] for c in "EFIJ"] == [NONE, NONE, "no", NONE]


def test_cases_of_their_own_are_bridged_from_the_first_to_the_last():
    cases = ("Plan", "With discounts", "Cheaper")
    given = {"Plan": {}, "With discounts": {"usd_per_gpu_hour": 2.0}, "Cheaper": {"usd_per_gpu_hour": 1.5}}
    model = Model(layout.load("training_budget"), "Plan", given, cases=cases)
    sheet, cells = drawn(model)
    assert (cells[sheet.bridge.from_name], cells[sheet.bridge.to_name]) == ("Plan", "Cheaper")
    assert cells[f"F{sheet.bridge.end}"] == model.value("program_usd", "Cheaper")


TRAINING = (layout.folder() / "training_budget.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('rows = ["gpus", "mfu"', 'rows = ["gpu", "mfu"', "has no closed form for gpu"),
        ('rows = ["gpus", "mfu"', 'rows = ["gpuss", "mfu"', "unknown key 'gpuss'; did you mean"),
        ('rows = ["gpus", "mfu"', 'rows = ["overhead", "mfu"', "run_days does not depend on overhead"),
        ('result = "run_days"\nrows', 'result = "deadline_gpus"\nrows', "does not depend on gpus"),
    ],
)
def test_drivers_that_cannot_be_built(old, new, text):
    assert old in TRAINING
    with pytest.raises(LayoutError) as e:
        Model(layout.parse(TRAINING.replace(old, new, 1), "training_budget.toml"))
    assert text in str(e.value)


def test_every_case_has_the_sheets_values():
    """The cases of a filled workbook: what the quick way computes is what a full model has."""
    from xl_econ.templates.compute import Calculator

    for name in NAMES:
        template = layout.load(name)
        calculator = Calculator(template)
        for case in template_cases(template, 2):
            model = fill.model(template, case)
            _, cells = drawn(model)
            quick = {at: v for (sheet, at), v in calculator(case).cells.items() if sheet == "Drivers"}
            assert quick == cells
            assert set(model.columns.of) == {LIVE, *CASES}
