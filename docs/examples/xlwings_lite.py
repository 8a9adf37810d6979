"""Functions of xl-econ in Excel for Mac, on the web or on Windows without an installed Python: main.py of xlwings Lite.

Put `xl-econ` into xlwings Lite's requirements.txt and this text into its main.py.
"""

from xlwings import func

from xl_econ import train_cost
from xl_econ.hosts.python import function


@func
def econ(name, *arguments):
    """Any function of xl-econ: =ECON("TRAIN_COST", 405, 15.6, 989.4, 41%, 2.5)."""
    return function(name)(*arguments)


@func
def run_cost(params_b, tokens_t, peak_tflops, mfu, usd_per_gpu_hour, goodput=1):
    """Cost of one training run, USD: a function of your own, of a body that has been checked."""
    return train_cost(params_b, tokens_t, peak_tflops, mfu, usd_per_gpu_hour, goodput)


@func
def econ_explain(name, *arguments):
    """How a function comes to its number, a step a row: =ECON_EXPLAIN("TRAIN_COST", 405, 15.6, 989.4, 41%, 2.5)."""
    from xl_econ.hosts.explain import explain

    m = function(name).metric
    steps = explain(m, dict(zip(m.params, arguments, strict=False)))
    return [["step", "formula", "value", "unit"]] + [[s.name, s.formula, s.value, s.unit] for s in steps]
