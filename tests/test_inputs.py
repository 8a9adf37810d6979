"""Every bad input ends in one clear line and the right cell error, for floats and for arrays."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import xl_econ
from xl_econ.core.errors import CellError, DomainError, InputError, NotAvailable, TableError
from xl_econ.core.quantity import Quantity, clean, number_from_text
from xl_econ.metrics import REGISTRY

GOOD = {"params_b": 37, "tokens_t": 14.8, "peak_tflops": 989.4, "mfu": 0.389, "usd_per_gpu_hour": 2}
COST = 4742645.6514460305

BAD = [
    ({"mfu": 41}, DomainError, "#NUM!", "mfu = 41: write 0.41 or 41%"),
    ({"params_b": 7e10}, DomainError, "#NUM!", "params_b = 7e+10: in billions, write 70"),
    ({"params_b": 175_000}, DomainError, "#NUM!", "params_b = 175000: in billions, write 175"),
    ({"tokens_t": 15.6e12}, DomainError, "#NUM!", "tokens_t = 1.56e+13: in trillions, write 15.6"),
    ({"peak_tflops": 989.4e12}, DomainError, "#NUM!", "peak_tflops = 9.894e+14: in TFLOP/s, write 989.4"),
    ({"overhead": 20}, DomainError, "#NUM!", "overhead = 20: write 0.2 or 20%"),
    ({"usd_per_gpu_hour": -1}, DomainError, "#NUM!", "usd_per_gpu_hour = -1: must be at least 0 and at most 10,000"),
    ({"mfu": 0}, DomainError, "#NUM!", "mfu = 0: must be above 0 and at most 1"),
    ({"mfu": math.nan}, DomainError, "#NUM!", "mfu = nan: not a finite number"),
    ({"tokens_t": math.inf}, DomainError, "#NUM!", "tokens_t = inf: not a finite number"),
    ({"tokens_t": 10**400}, DomainError, "#NUM!", "tokens_t = inf: not a finite number"),
    ({"mfu": "high"}, InputError, "#VALUE!", "mfu = 'high': expected a number (above 0 and at most 1), not text"),
    ({"mfu": True}, InputError, "#VALUE!", "mfu = True: expected a number (above 0 and at most 1), not bool"),
    ({"mfu": None}, InputError, "#VALUE!", "mfu is missing; it takes a number (above 0 and at most 1)"),
    ({"mfu": " "}, InputError, "#VALUE!", "mfu is missing"),
    ({"mfu": "#DIV/0!"}, CellError, "#DIV/0!", "mfu = #DIV/0!: an error value came in"),
    ({"mfu": pd.NaT}, InputError, "#VALUE!", "mfu = NaT: expected a number"),
    ({"mfuu": 0.4}, InputError, "#VALUE!", "TRAIN_COST has no argument 'mfuu'; did you mean 'mfu'?"),
]


@pytest.mark.parametrize(("change", "kind", "cell", "text"), BAD, ids=[str(b[0])[:40] for b in BAD])
def test_scalar(change, kind, cell, text):
    with pytest.raises(kind) as e:
        xl_econ.train_cost(**GOOD | change)
    assert type(e.value) is kind
    assert e.value.cell == cell
    assert str(e.value).startswith(text)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("kind", [list, tuple, lambda v: np.array(v, dtype=object), pd.Series])
@pytest.mark.parametrize(("change", "error", "cell"), [b[:3] for b in BAD[:-2]], ids=[str(b[0])[:40] for b in BAD[:-2]])
def test_array_names_the_row(kind, change, error, cell):
    ((name, bad),) = change.items()
    good = GOOD.get(name, 0.1)
    if kind is pd.Series and bad is None:  # pandas turns None into NaN
        error, cell = DomainError, "#NUM!"
    with pytest.raises(error) as e:
        xl_econ.train_cost(**GOOD | {name: kind([good, good, bad])})
    assert e.value.cell == cell
    assert str(e.value).startswith("row 3: "), e.value


def test_numbers_of_every_kind():
    for one in (37, 37.0, np.float32(37), np.float64(37), np.int64(37), Decimal(37), Fraction(37)):
        assert xl_econ.train_cost(**GOOD | {"params_b": one}) == COST
    assert isinstance(xl_econ.train_cost(**GOOD | {"params_b": np.float64(37)}), float)
    assert xl_econ.train_cost(**GOOD | {"params_b": np.array([37], dtype=np.int32)})[0] == COST
    assert xl_econ.train_cost(**GOOD | {"params_b": [Decimal(37), "37" and 37]})[0] == COST


def test_shapes():
    column, row = np.array([[37.0], [70.0]]), np.array([0.3, 0.4, 0.5])
    grid = xl_econ.train_cost(**GOOD | {"params_b": column, "mfu": row})
    assert grid.shape == (2, 3)
    assert grid[1, 2] == xl_econ.train_cost(**GOOD | {"params_b": 70, "mfu": 0.5})
    assert xl_econ.train_cost(**GOOD | {"params_b": [[37.0], [70.0]]}) == [
        [COST],
        [xl_econ.train_cost(**GOOD | {"params_b": 70})],
    ]
    assert xl_econ.train_cost(**GOOD | {"params_b": np.array([])}).shape == (0,)
    with pytest.raises(InputError, match=r"do not broadcast: params_b \(2,\), mfu \(3,\)"):
        xl_econ.train_cost(**GOOD | {"params_b": [1, 2], "mfu": [0.1, 0.2, 0.3]})
    with pytest.raises(InputError, match="different indexes"):
        xl_econ.train_cost(**GOOD | {"params_b": pd.Series([1.0]), "mfu": pd.Series([0.4], index=[7])})


def test_rows_beyond_the_first_chunk_are_named():
    values = np.full(20_000, 0.4)
    values[12_345] = 41
    with pytest.raises(DomainError, match=r"^row 12346: mfu = 41: write 0.41 or 41%$"):
        xl_econ.train_cost(**GOOD | {"mfu": values})


def test_arguments():
    assert xl_econ.train_cost(37, 14.8, 989.4, 0.389, 2) == COST
    assert xl_econ.train_cost(37, 14.8, 989.4, 0.389, 2, None, "") == COST
    with pytest.raises(InputError, match="takes at most 7 arguments, got 8"):
        xl_econ.train_cost(*[1] * 8)
    with pytest.raises(InputError, match="'params_b' given twice"):
        xl_econ.train_cost(37, params_b=37)
    with pytest.raises(AttributeError, match="no function 'train_cots'; did you mean 'TRAIN_COST'"):
        _ = xl_econ.train_cots
    assert "train_cost" in dir(xl_econ)
    assert "TRAIN_COST(params_b" in repr(xl_econ.train_cost)


def test_a_result_that_is_not_finite_is_an_error():
    with pytest.raises(DomainError, match="GOODPUT has no finite result"):
        xl_econ.goodput(1e9, failures_per_gpu_hour=1)
    with pytest.raises(DomainError, match="row 2: GOODPUT has no finite result"):
        xl_econ.goodput([1, 1e9], failures_per_gpu_hour=1)
    with pytest.raises(DomainError, match="FLOP_PER_DOLLAR has no finite result"):
        xl_econ.flop_per_dollar(989.4, 0.4, 0)


def test_auto_is_a_word_a_blank_and_zero():
    expected = xl_econ.goodput(1024)
    assert [xl_econ.goodput(1024, interval_min=x) for x in ("auto", "AUTO", None, "", 0)] == [expected] * 5
    assert xl_econ.goodput(1024, interval_min=5) != expected


def test_choices():
    assert xl_econ.mfu_typical(8, "MID") == 0.5
    with pytest.raises(NotAvailable, match="bound = 'midd': allowed are low, mid, high; did you mean 'mid'") as e:
        xl_econ.mfu_typical(8, "midd")
    assert e.value.cell == "#N/A"
    with pytest.raises(InputError, match="bound = 1: expected one of low, mid, high"):
        xl_econ.mfu_typical(8, 1)
    assert xl_econ.mfu_typical([1, 8], ["low", "high"]) == [0.5, 0.55]


def test_look_ups():
    assert xl_econ.gpu_spec("H100", "bf16") == xl_econ.gpu_spec("h100 sxm", "BF16") == 989.4
    assert xl_econ.training_run("Llama 3.1 405B", "gpu_hours") == 30.84e6
    assert xl_econ.gpu_spec(["H100", "A100"], "bf16") == [989.4, 312.0]
    for args, text in (
        (("H10O", "bf16"), "accelerators has no accelerator 'H10O'; did you mean 'H100'?"),
        (("H100", "bf17"), "accelerators has no column 'bf17'; did you mean 'bf16'?"),
        (("V100", "bf16"), "accelerators: 'V100 SXM2 32GB' has no bf16; it has fp32, fp16"),
    ):
        with pytest.raises(NotAvailable) as e:
            xl_econ.gpu_spec(*args)
        assert (str(e.value), e.value.cell) == (text, "#N/A")


def test_the_sheets_own_table_counts():
    header = ["accelerator", "vendor", "bf16", "hbm_gb", "hbm_tbps", "launch", "source", "as_of", "grade"]
    row = ["Own chip", "us", 500, 64, 2, "2026", "datasheet", "2026-01", "A"]
    assert xl_econ.gpu_spec("own chip", "bf16", [header, row]) == 500
    assert xl_econ.gpu_spec("own chip", "bf16", pd.DataFrame([row], columns=header)) == 500
    with pytest.raises(TableError, match=r"table Accelerators, row 2, column bf16: -5: must be above 0"):
        xl_econ.gpu_spec("own chip", "bf16", [header, [*row[:2], -5, *row[3:]]])


@pytest.mark.parametrize("m", REGISTRY.values(), ids=lambda m: m.name)
def test_every_input_refuses_rubbish(m):
    """By construction: no parameter of any metric takes NaN, an error value, or text for a number."""
    good = {p.name: p.example if p.example is not None else p.quantity.example for p in m.scalars.values()}
    for p in m.scalars.values():
        for bad in (math.nan, "#REF!", "rubbish" if not p.quantity.is_text else 7, True):
            with pytest.raises((InputError, NotAvailable)):
                getattr(xl_econ, m.name.lower())(**good | {p.name: bad})


def test_text_as_numbers():
    assert [number_from_text(t) for t in ("41%", " 1e9 ", "30_000", "x%", "")] == [0.41, 1e9, 30000.0, "x%", ""]
    assert clean("", Quantity("any"), "text") == "text"
    assert Quantity().range == "any number"


def test_years_are_whole():
    with pytest.raises(DomainError, match=r"years = 2.5: must be a whole number, at least 1 and at most 60"):
        xl_econ.annuity(0.1, 2.5)
    with pytest.raises(DomainError, match=r"row 2: years = 2.5"):
        xl_econ.annuity(0.1, [2, 2.5])
    assert xl_econ.annuity([0.0, 0.1], [2, 1]) == [2.0, pytest.approx(1 / 1.1)]
    # near a rate of 0 the closed form loses half of its digits
    assert xl_econ.annuity(1e-9, 3) == pytest.approx(3 - 6e-9, rel=1e-15)
