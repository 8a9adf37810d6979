"""The seed's claims, checked: each formula evaluated through the metrics, and the verdict that follows from it."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import DomainError, InputError, XlEconError

from .python import function

if TYPE_CHECKING:
    from xl_econ.tables.rows import SeedClaim

JUDGED = ("ambiguous", "definition")
LONGEST_FORMULA = 500
# Floats miss the end of an exact range by a rounding: 1 - 0.30/0.40 is not 0.25.
SLACK = 1e-9

_OPERATIONS: dict[type[ast.operator], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def verdict(row: SeedClaim, computed: float) -> str:
    """What a computed figure says of a claim.

    Args:
        row: The claim.
        computed: The figure that checks it.

    Returns:
        "holds" or "slip" by whether the figure lies in the claimed range, widened by the claim's tolerance; a row
        judged ambiguous or a definition stays so, whatever the figure.
    """
    if row.verdict in JUDGED:
        return row.verdict
    low = -math.inf if row.claimed_low is None else row.claimed_low * (1 - row.tolerance)
    high = math.inf if row.claimed_high is None else row.claimed_high * (1 + row.tolerance)
    return "holds" if low * (1 - SLACK) <= computed <= high * (1 + SLACK) else "slip"


def recompute(row: SeedClaim) -> float:
    """The figure that checks a claim, through the metrics.

    Raises:
        XlEconError: The formula cannot be evaluated; names the claim.
    """
    try:
        return evaluate(row.formula)
    except XlEconError as e:
        raise InputError(f"{row.claim_id}: {e}") from None


def evaluate(formula: str) -> float:
    """A formula over numbers, + - * / ** and functions of xl-econ: `1 - mfu_saving(0.3, 0.4)`. Nothing else runs.

    Args:
        formula: In Python syntax; functions in lower case, arguments in order, a text only as an argument.

    Raises:
        InputError: Not such a formula.
        DomainError: No finite result.
        XlEconError: Unknown function, or its own errors.
    """
    if len(formula) > LONGEST_FORMULA:
        raise InputError(f"a formula of {len(formula)} characters; at most {LONGEST_FORMULA} are read")
    try:
        return _number(ast.parse(formula, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        if isinstance(e, XlEconError):
            raise
        raise InputError(f"{formula!r} is no formula") from None
    except (ZeroDivisionError, OverflowError) as e:
        raise DomainError(f"{formula!r} has no finite result ({e})") from None


def claimed(row: SeedClaim) -> str:
    """The claimed range in words: `0.25 to 0.65`, `at least 100,000,000`."""
    low, high = (None if v is None else f"{v:,.10g}" for v in (row.claimed_low, row.claimed_high))
    if low is None:
        return "" if high is None else f"at most {high}"
    if high is None:
        return f"at least {low}"
    return low if low == high else f"{low} to {high}"


def _value(node: ast.expr) -> Any:
    """The value of an argument: a text, or a number."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return _number(node)


def _number(node: ast.expr) -> float:
    value: Any
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            value = float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = -_number(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            value = _OPERATIONS[type(op)](_number(left), _number(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            value = function(name)(*map(_value, args))
        case _:
            raise InputError(f"{ast.unparse(node)!r} may not stand in a formula")
    if not isinstance(value, float):
        raise InputError(f"{ast.unparse(node)} is {value!r}, not a number")
    if not math.isfinite(value):
        raise DomainError(f"{ast.unparse(node)} is not a finite number")
    return value
