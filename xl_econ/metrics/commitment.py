"""Commitments: how much of a swinging demand a committed level serves, what is bought beyond it, what idles.

Within a period the demand is spread evenly between its trough and its peak, which lie as far below the mean as above
it: a straight load-duration curve. Peak to mean 1 is a flat demand, 2 a demand that falls to nothing.
"""

from __future__ import annotations

from typing import Any

from xl_econ.core.expr import Const
from xl_econ.core.ops import maximum, minimum, where
from xl_econ.core.quantities import CommittedGpus, GpusOf, MeanGpus, SwingFactor
from xl_econ.core.registry import metric, shared
from xl_econ.core.units import ONE_GPU

TERM_YEARS = Const("TERM_YEARS", 3, "yr")
TERM_MONTHS = Const("TERM_MONTHS", 36, "month")


@shared
def _load_curve(mean_gpus: Any, peak_to_mean: Any) -> tuple[Any, Any, Any]:
    """How far the demand swings, its trough, and what a height squared is divided by to be the area of its triangle.

    Half of the height, times its share of the time, which is the height over the whole spread.
    """
    swing = mean_gpus * (peak_to_mean - 1)
    trough_gpus = mean_gpus - swing
    divisor = where(swing > 0, 2 * (2 * swing), ONE_GPU)
    return swing, trough_gpus, divisor


@metric("GPU")
def elastic_overflow(mean_gpus: MeanGpus, committed_gpus: CommittedGpus, peak_to_mean: SwingFactor = 1.0) -> GpusOf:
    """Accelerators that a demand needs beyond a commitment, in the mean over the period.

    Args:
        mean_gpus: Accelerators in use, in the mean.
        committed_gpus: Accelerators committed to, paid whether used or not.
        peak_to_mean: Demand at the peak over its mean; the trough lies as far below.

    Returns:
        Accelerators bought elastically, in the mean; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative number of accelerators, a factor outside 1 to 2 (#NUM!).

    Source:
        Definition: the area of a straight load-duration curve above the committed level.

    Example:
        >>> elastic_overflow(512, 512, 1.5)
        64.0
    """
    swing, trough_gpus, divisor = _load_curve(mean_gpus, peak_to_mean)
    peak_gpus = mean_gpus + swing
    above = minimum(maximum(peak_gpus - committed_gpus, 0.0), 2 * swing)
    return above**2 / divisor + maximum(trough_gpus - committed_gpus, 0.0)


@metric("GPU")
def committed_use(mean_gpus: MeanGpus, committed_gpus: CommittedGpus, peak_to_mean: SwingFactor = 1.0) -> GpusOf:
    """Accelerators of a commitment that a demand keeps busy, in the mean over the period.

    Args:
        mean_gpus: Accelerators in use, in the mean.
        committed_gpus: Accelerators committed to, paid whether used or not.
        peak_to_mean: Demand at the peak over its mean; the trough lies as far below.

    Returns:
        Accelerators of the commitment in use; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative number of accelerators, a factor outside 1 to 2 (#NUM!).

    Source:
        Definition: the area of a straight load-duration curve below the committed level.

    Example:
        >>> committed_use(512, 512, 1.5)
        448.0
    """
    swing, trough_gpus, divisor = _load_curve(mean_gpus, peak_to_mean)
    reach = minimum(maximum(committed_gpus - trough_gpus, 0.0), 2 * swing)
    return minimum(committed_gpus, trough_gpus) + reach - reach**2 / divisor
