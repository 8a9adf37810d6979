"""The fuzz targets over their seeds, which hold every input that once broke a promise, and over changes of them."""

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))

import run  # noqa: E402
import targets  # noqa: E402

SEEDS = [(t, p) for t in targets.TARGETS for p in sorted((FUZZ / "seeds" / t).iterdir())]


@pytest.mark.parametrize(("target", "seed"), SEEDS, ids=[f"{t}-{p.name}" for t, p in SEEDS])
def test_seeds(target, seed):
    targets.TARGETS[target](seed.read_bytes())


@pytest.mark.parametrize("target", targets.TARGETS)
def test_changed_seeds(target):
    assert run.blind(targets.TARGETS[target], run.seeds(target), 2, seed=20261123)


def test_a_failure_is_said_with_its_smallest_input():
    def breaks(data):
        assert b"<x" not in data, "an x"

    with pytest.raises(AssertionError, match=r"an x.*\ninput: b'<x'"):
        run.blind(breaks, [b"<a><b><x></x></b></a>"], 5, seed=1)
    assert run.smallest(breaks, b"abc<xyz") == b"<x"
