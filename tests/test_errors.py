"""What an error suggests: the name that was meant, however it was typed."""

import pytest

from xl_econ.core.errors import nearest

MODELS = ("Qwen3-32B", "Qwen3-235B-A22B", "Llama-3.1-8B", "Llama-3.1/3.3-70B", "gpt-oss-120b", "gpt-oss-20b")


@pytest.mark.parametrize(
    ("typed", "names", "meant"),
    [
        ("Qwen3-235B", MODELS, "Qwen3-235B-A22B"),
        ("qwen3 235b", MODELS, "Qwen3-235B-A22B"),
        ("QWEN3_235B", MODELS, "Qwen3-235B-A22B"),
        ("Qwen3-23B", MODELS, "Qwen3-32B"),  # begins none of them, and is one swap away
        ("Llama 3.1", MODELS, "Llama-3.1-8B"),  # of several that begin so, the most alike
        ("gptoss20b", MODELS, "gpt-oss-20b"),
        ("gpt oss 120", MODELS, "gpt-oss-120b"),
        ("H10O", ("H100", "H200 SXM"), "H100"),
        ("usdpergpuhour", ("usd_per_gpu_second", "usd_per_gpu_hour"), "usd_per_gpu_hour"),
        ("h100-sxm", ("H100 SXM", "H100-SXM"), "H100 SXM"),
    ],
)
def test_the_name_that_was_meant(typed, names, meant):
    assert nearest(typed, names) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("typed", "names", "cutoff"),
    [
        ("", MODELS, 0.5),
        (" - ", MODELS, 0.5),
        ("zzz", MODELS, 0.5),
        ("H100", (), 0.5),
        ("Acc", ("Accelerators",), 0.85),
    ],
)
def test_no_name_is_better_than_a_wrong_one(typed, names, cutoff):
    assert nearest(typed, names, cutoff) == ""
