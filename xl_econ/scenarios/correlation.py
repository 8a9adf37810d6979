"""Correlated inputs: a Gaussian copula that gives the rank correlations that a case asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from xl_econ.core.errors import InputError

Pair = tuple[str, str, float]
_NOTHING = 1e-9  # an eigenvalue is not negative for less
_ROOM = 0.02  # for the least eigenvalue of what is proposed, so that it may be rounded to two places


def mixing(keys: Sequence[str], pairs: Sequence[Pair]) -> tuple[list[str], list[list[float]]]:
    """How independent normal numbers become correlated ones.

    Args:
        keys: All inputs that vary, in their order.
        pairs: Rank correlations (Spearman) of two of them.

    Returns:
        The inputs that are correlated with another, and for each the weights of the normal numbers of all of these.

    Raises:
        InputError: No such correlations can be: says which, and the nearest that can.
    """
    mixed = [k for k in keys if any(k in pair[:2] for pair in pairs)]
    if not mixed:
        return [], []
    at = {k: n for n, k in enumerate(mixed)}
    matrix = np.eye(len(mixed))
    for a, b, rank in pairs:
        matrix[at[a], at[b]] = matrix[at[b], at[a]] = 2 * math.sin(math.pi * rank / 6)
    if np.linalg.eigvalsh(matrix)[0] < -_NOTHING:
        nearest = _nearest(matrix)
        said = ", ".join(f"{a} with {b} {r:g}" for a, b, r in pairs)
        ranks = 6 / math.pi * np.arcsin(nearest / 2)
        close = ((a, b, ranks[at[a], at[b]]) for a, b in combinations(mixed, 2))
        possible = ", ".join(f"{a} with {b} {r:.2f}" for a, b, r in close if abs(r) >= 0.005)
        raise InputError(f"these correlations contradict each other: {said}; the nearest that are possible: {possible}")
    return mixed, _root(matrix)


def _root(matrix: NDArray[np.float64]) -> list[list[float]]:
    """The lower triangle whose product with itself is the matrix, also where one input says all of another."""
    size = len(matrix)
    root = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = float(matrix[i, j]) - math.fsum(root[i][k] * root[j][k] for k in range(j))
            if i == j:
                root[i][i] = math.sqrt(max(rest, 0.0))
            elif root[j][j] > _NOTHING:
                root[i][j] = rest / root[j][j]
    return root


def _nearest(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest correlation matrix by alternating projections (Higham 2002, IMA J. Numer. Anal. 22, 329-343)."""
    found, correction = matrix, np.zeros_like(matrix)
    for _ in range(1000):
        before = found - correction
        values, vectors = np.linalg.eigh(before)
        positive = (vectors * np.maximum(values, _ROOM)) @ vectors.T
        correction = positive - before
        found = positive.copy()
        np.fill_diagonal(found, 1.0)
    return found
