"""Keys of formulas as they are read, against those worked out one by one; values on their way between processes."""

from __future__ import annotations

import random

import pytest

from xl_econ.workbook.cell import At, address
from xl_econ.workbook.copies import Copies
from xl_econ.workbook.graph import references
from xl_econ.workbook.relative import placed, relative, shape
from xl_econ.workbook.values import packed, places, unpacked

KEYS = (
    "=RC[-1]*R2C[1]", "=R[-1]C+RC2", "=SUM(R[-3]C:R[-1]C)", "=R1C1&\"100% of A1\"", "='It''s 5%'!RC[-2]/R[2]C[-2]",
    "=RC[-3]", "=SUM(C[1]:C[2])", "=RC[1]",
)  # fmt: skip


def text(key, row, column):
    return placed(key, row, column)


@pytest.mark.parametrize("seed", range(20))
def test_the_key_of_a_copy_is_that_of_its_formula(seed):
    rng, copies = random.Random(seed), Copies()
    across, down = [rng.choice(KEYS) for _ in range(40)], [rng.choice(KEYS) for _ in range(40)]
    wide = rng.random()
    for row in range(1, 40):
        for column in range(1, 40):
            formula = text(across[row] if rng.random() < wide else down[column], row, column)
            if formula and not formula.startswith("=SUM(C"):
                assert copies.key(formula, row, column) == relative(formula, row, column), (formula, row, column)


@pytest.mark.parametrize("seed", range(20))
def test_so_it_is_among_formulas_that_are_copies_of_none(seed):
    rng, copies = random.Random(seed), Copies()
    for row in range(1, 60):
        alone = rng.random()
        for column in range(4, 12):
            formula = text(KEYS[column % 4], row, column) if rng.random() > alone else f"=A{row}*{row}+$B${column}"
            if formula:
                assert copies.key(formula, row, column) == relative(formula, row, column), (formula, row, column)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("=R1C1*12.5+INDEX(R1C1:R1C40,7)*.25", "=R1C1*0+INDEX(R1C1:R1C40,0)*0"),
        ("=R[-12]C[3]^2%", "=R[-12]C[3]^0%"),
        ('=IF(RC="5 GPUs",{1,2},FY2024)', '=IF(RC="5 GPUs",{0,0},FY2024)'),
        ("='It''s 5 %'!RC*[1]Plan!RC/Costs[[#This Row],[in 5 years]]", None),
        ("=#DIV/0!+LOG10(RC)+FY.5+x\\5+C1:C3+R3:R5", None),
    ],
)
def test_the_shape_of_a_formula_leaves_out_its_numbers_and_nothing_else(key, said):
    assert shape(key) == (said or key)
    assert references(shape(key)) == references(key)


def test_a_number_is_no_copy_of_a_reference_beyond_the_sheet():
    copies = Copies()
    assert copies.key("=A7", 7, 2) == "=RC[-1]"
    assert copies.key("=7", 7, 1) == "=7"
    assert copies.key("=XFD7", 7, 16383) == "=RC[1]"
    assert copies.key("=7", 7, 16384) == "=7"


def test_values_arrive_as_they_were_sent():
    values = [1.5, -0.0, True, False, None, "", "1.5", "#N/A", 3, 1e308]
    assert [repr(v) for v in unpacked(packed(values))] == [repr(v) for v in values]
    assert unpacked(packed([])) == []


def test_rectangles_are_walked_row_by_row():
    assert [address(At(r, c)) for _, r, c in places([("S", 1, 2, 1, 2), ("S", 9, 9, 3, 3)])] == [
        "A1", "B1", "A2", "B2", "C9",
    ]  # fmt: skip
