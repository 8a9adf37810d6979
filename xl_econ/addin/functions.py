"""What Excel is told of the functions: names, arguments and help, checked against what Excel and VBA can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xl_econ.core.errors import LayoutError
from xl_econ.core.registry import Param
from xl_econ.metrics import REGISTRY

CATEGORY = "AI economics"
MOST_ARGUMENTS = 60
LONGEST_HELP = 255
LONGEST_NAME = 255

# Reserved words of the language, and what the wrappers themselves call.
_WORDS = """
addressof and any array as attribute boolean byref byte byval call case cdecl cbool cbyte ccur cdate cdbl cdec cint
clng clnglng clngptr close const csng cstr currency cvar cverr date debug decimal declare defbool defbyte defcur
defdate defdbl defdec defint deflng deflnglng deflngptr defobj defsng defstr defvar dim do double each else elseif
empty end enum eqv erase error event exit false fix for friend function get global gosub goto if imp implements in
input int integer is lbound len lenb let lib like line load local lock long longlong longptr loop lset me mid midb mod
name new next not nothing null object on open option optional or output paramarray preserve print private property
psettype ptrsafe public put raiseevent random read redim rem resume return rset scale seek select set sgn shared
single spc static step stop string sub tab text then to true type typeof ubound unload until variant wend while width
with withevents write xor application xleconcall
"""
RESERVED = frozenset(_WORDS.split())
_CELL = re.compile(r"([A-Z]{1,3})([0-9]+)|R[0-9]*C[0-9]*|R[0-9]*|C[0-9]*", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LAST_COLUMN, _LAST_ROW = "XFD", 1 << 20


@dataclass(frozen=True)
class Argument:
    """An argument as Excel shows it."""

    name: str
    help: str
    optional: bool = False
    rest: bool = False  # takes all arguments from its place on


@dataclass(frozen=True)
class Function:
    """A function as Excel shows it.

    Attributes:
        name: Its name in a cell, and that of the Python function.
        help: One line about it.
        arguments: Its arguments, in order.
        volatile: Computed anew in each recalculation.
    """

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    volatile: bool = False


# What `hosts.udf` offers besides the metrics.
EXTRA = (
    Function(
        "EXPLAIN",
        "Spills how a function comes to its number: name, formula, value and unit, one step a row.",
        (
            Argument("function_name", "Name of the function to explain, a text: TRAIN_COST."),
            Argument("arguments", "Its arguments, in their order.", rest=True),
        ),
    ),
    Function(
        "WHY",
        "Texts of the last errors, the newest first.",
        (Argument("count", "How many; 10 if left out.", optional=True),),
        volatile=True,
    ),
    Function("XL_ECON_VERSION", "Version of xl-econ that computes the functions."),
)


def functions() -> tuple[Function, ...]:
    """Every function of the add-in, by name.

    Raises:
        LayoutError: A name, a help text or a number of arguments that Excel cannot take.
    """
    metrics = [
        Function(m.name, m.doc.summary, tuple(_argument(p) for p in m.params.values())) for m in REGISTRY.values()
    ]
    found = tuple(sorted([*metrics, *EXTRA], key=lambda f: f.name))
    check(found)
    return found


def _argument(p: Param) -> Argument:
    """A parameter; one whose name is a word of VBA gets an underscore, as LAMBDA arguments do."""
    name = f"{p.name}_" if p.name.lower() in RESERVED else p.name
    return Argument(name, p.help, p.optional)


def check(found: Sequence[Function]) -> None:
    """Refuse what Excel or VBA would refuse or misread.

    Args:
        found: The functions.

    Raises:
        LayoutError: Says which function and what to change.
    """
    seen: set[str] = set()
    for f in found:
        _check_name(f.name, f"function {f.name}")
        _check_help(f.help, f"function {f.name}")
        if f.name.lower() in seen:
            raise LayoutError(f"function {f.name}: VBA knows no case, and the name is taken")
        seen.add(f.name.lower())
        if len(f.arguments) > MOST_ARGUMENTS:
            raise LayoutError(f"function {f.name}: {len(f.arguments)} arguments; VBA takes at most {MOST_ARGUMENTS}")
        names = [a.name.lower() for a in f.arguments]
        for a in f.arguments:
            where = f"function {f.name}, argument {a.name}"
            _check_name(a.name, where)
            _check_help(a.help, where)
            if names.count(a.name.lower()) > 1 or a.name.lower() == f.name.lower():
                raise LayoutError(f"{where}: the name is taken within the function; VBA knows no case")


def _check_name(name: str, where: str) -> None:
    if not _IDENTIFIER.fullmatch(name) or len(name) > LONGEST_NAME:
        raise LayoutError(f"{where}: a name is a letter and then letters, digits and underscores")
    if name.lower() in RESERVED:
        raise LayoutError(f"{where}: {name} is a word of VBA; choose another name")
    if is_cell_address(name):
        raise LayoutError(f"{where}: Excel reads {name} as a cell address; choose another name")


def _check_help(text: str, where: str) -> None:
    if not text:
        raise LayoutError(f"{where}: no help text")
    if len(text) > LONGEST_HELP:
        raise LayoutError(f"{where}: a help text of {len(text)} characters; Excel shows at most {LONGEST_HELP}")
    if strange := [c for c in text if not " " <= c <= "~"]:
        raise LayoutError(f"{where}: the help text has {strange[0]!r}; VBA source is plain ASCII, on one line")


def is_cell_address(name: str) -> bool:
    """Whether Excel reads a name as a cell, in its A1 or its R1C1 notation: TCO1, R, C4, R1C1."""
    match = _CELL.fullmatch(name)
    if not match:
        return False
    column, row = match[1], match[2]
    if column is None or column.upper() in ("R", "C"):
        return True
    return (len(column), column.upper()) <= (len(_LAST_COLUMN), _LAST_COLUMN) and 1 <= int(row) <= _LAST_ROW
