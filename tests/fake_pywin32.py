"""A stand-in for pywin32: xlwings takes its Windows branch on any platform, and its real server can be called.

Import it in a process of its own: while xlwings is imported it pretends that the platform is Windows.
"""

import asyncio  # noqa: F401  (imported before the platform changes)
import collections
import concurrent.futures  # noqa: F401
import ctypes
import datetime as dt
import importlib.abc
import importlib.machinery
import subprocess  # noqa: F401
import sys
import types
from decimal import Decimal

import numpy as np
import pandas  # noqa: F401

OMITTED = -2147352572  # what an omitted optional argument is
ERRORS = {"#NULL!": 2000, "#DIV/0!": 2007, "#VALUE!": 2015, "#REF!": 2023, "#NAME?": 2029, "#NUM!": 2036, "#N/A": 2042}
RANGE = "{00020846-0000-0000-C000-000000000046}"


def code(error):
    """An error cell as pywin32 gives it: the 32 bits of 0x800A0000 plus Excel's number, as a signed integer."""
    return ERRORS[error] + 0x800A0000 - 2**32


class Anything:
    """Answers every attribute and call with another."""

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args, **kwargs):
        return Anything()


class Wrapped:
    """A Python object behind a COM interface."""

    def __init__(self, obj):
        self.obj = obj


def unwrap(value):
    if not isinstance(value, Wrapped):
        raise ValueError("not a Python object behind COM")
    return value


class Time(dt.datetime):
    """pywintypes.TimeType."""


class FakeRange:
    """A range as the stock wrapper passes it: an interface whose every property is a call across processes."""

    def __init__(self, value, calls=None):
        self._value, self.calls = value, calls if calls is not None else []

    @property
    def _oleobj_(self):
        attributes = types.SimpleNamespace(iid=RANGE)
        return types.SimpleNamespace(GetTypeInfo=lambda: types.SimpleNamespace(GetTypeAttr=lambda: attributes))

    @property
    def Value(self):
        self.calls.append("Value")
        return self._value

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self.calls.append(name)
        rows = self._value if isinstance(self._value, tuple) else ((self._value,),)
        counts = {"Rows": len(rows), "Columns": len(rows[0])}
        return types.SimpleNamespace(Count=counts[name]) if name in counts else Anything()


KNOWN = {
    "com_error": type("com_error", (Exception,), {}),
    "error": type("error", (Exception,), {}),
    "COMException": type("COMException", (Exception,), {}),
    "TimeType": Time,
    "IID": str,
    "TypeIIDs": collections.defaultdict(lambda: type("PyIDispatch", (), {})),
    "unwrap": unwrap,
    "wrap": lambda obj, *_, **__: Wrapped(obj),
    "Dispatch": lambda obj, *_, **__: obj,
    "GetWindowThreadProcessId": lambda _: (1, 4242),
}


class Stub(types.ModuleType):
    """A module of pywin32: what xlwings derives from, tests for or calls; anything else otherwise."""

    __path__ = ()
    __file__ = "stub"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in KNOWN:
            return KNOWN[name]
        if name in ("CDispatch", "CoClassBaseClass", "DispatchBaseClass", "VARIANT"):
            return type(name, (), {})
        return Anything()


class Pywin32(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds every module of pywin32 as a stub."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pythoncom", "pywintypes", "winerror") or name.startswith("win32"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


def server():
    """xlwings' own COM server object, whose CallUDF is what VBA calls."""
    if sys.platform == "win32":
        raise RuntimeError("this is Windows: use pywin32")
    sys.meta_path.insert(0, Pywin32())
    for name in ("windll", "oledll", "WinDLL", "OleDLL"):
        setattr(ctypes, name, Anything())
    real = ctypes.PyDLL
    ctypes.PyDLL = Anything()
    platform, sys.platform = sys.platform, "win32"
    try:
        import xlwings.com_server
        import xlwings.udfs
    finally:
        sys.platform, ctypes.PyDLL = platform, real
    assert xlwings.func is xlwings.udfs.xlfunc, "xlwings' real decorators"
    return xlwings.com_server.XLPython()


def refused(value, inside=False):
    """Why Excel would show a result wrong or not at all, by pywin32's rules of making a VARIANT; None if it is right.

    Floats, texts and booleans are right. An integer becomes VT_I8 or VT_UI4 beyond 31 bits, a Decimal a currency of
    four decimals, None a null; a NaN and an infinity have no cell value; an array is rectangular and not empty.
    """
    if isinstance(value, bool | np.bool_):
        return None if isinstance(value, bool) else "a numpy boolean becomes 1.0"
    if isinstance(value, str):
        return f"a text of {len(value)} characters" if len(value) > 32767 else None
    if type(value) is float:
        return None if np.isfinite(value) else f"{value} is no cell value"
    if isinstance(value, int | Decimal | dt.date | np.generic) or value is None:
        return f"{value!r}: {type(value).__name__} does not arrive as a number of a cell"
    if isinstance(value, list | tuple):
        if not value:
            return "an empty array"
        nested = {isinstance(v, list | tuple) for v in value}
        if len(nested) > 1 or (nested == {True} and (inside or len({len(v) for v in value}) > 1)):
            return "an array that is no rectangle"
        return next(filter(None, (refused(v, True) for v in value)), None)
    return f"{type(value).__name__} is refused"
