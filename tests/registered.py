"""Loads xlwings' real UDF module under a stand-in for pywin32, calls functions through its dispatch, lists them.

Run as a process of its own: it pretends, while xlwings is imported, that the platform is Windows.
"""

import asyncio  # noqa: F401  (imported before the platform changes)
import collections
import ctypes
import importlib.abc
import importlib.machinery
import subprocess  # noqa: F401
import sys
import types

import numpy  # noqa: F401
import pandas  # noqa: F401


class Anything:
    """Answers every attribute and call with itself."""

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args, **kwargs):
        return Anything()


class Stub(types.ModuleType):
    """A module of pywin32: classes where xlwings derives from or tests for them, anything else otherwise."""

    __path__ = ()
    __file__ = "stub"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("com_error", "error", "COMException"):
            return type(name, (Exception,), {})
        if name in ("TimeType", "CDispatch", "CoClassBaseClass", "DispatchBaseClass", "VARIANT", "IID"):
            return type(name, (), {})
        if name == "TypeIIDs":
            return collections.defaultdict(lambda: type("PyIDispatch", (), {}))
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


def main():
    sys.meta_path.insert(0, Pywin32())
    for name in ("windll", "oledll", "WinDLL", "OleDLL"):
        setattr(ctypes, name, Anything())
    real = ctypes.PyDLL
    ctypes.PyDLL = Anything()
    platform, sys.platform = sys.platform, "win32"
    try:
        import xlwings
        import xlwings.udfs
    finally:
        sys.platform, ctypes.PyDLL = platform, real
    assert xlwings.func is xlwings.udfs.xlfunc, "xlwings' real decorators"

    from xl_econ.hosts import udf

    declared = {name: f for name, f in vars(udf).items() if hasattr(f, "__xlfunc__")}
    for name, f in declared.items():
        args = f.__xlfunc__["args"]
        assert all(a["options"] == {"convert": "raw"} or a["options"].get("convert") == "raw" for a in args), name
        assert all(a["doc"] for a in args), name
    call = xlwings.udfs.call_udf
    module = "xl_econ.hosts.udf"
    assert call(module, "TRAIN_COST", (37.0, 14.8, 989.4, 0.389, 2.0)) == 4742645.6514460305
    assert call(module, "TRAIN_COST", (37.0, 14.8, 989.4, 41.0, 2.0)) == "#NUM!"
    assert call(module, "TRAIN_COST", (((37.0,), (7e10,)), 14.8, 989.4, 0.389, 2.0)) == [
        [4742645.6514460305],
        ["#NUM!"],
    ]
    omitted = -2147352572  # what an omitted optional argument is in COM
    assert call(module, "TRAIN_COST", (37.0, 14.8, 989.4, 0.389, 2.0, omitted, omitted)) == 4742645.6514460305
    print(*sorted(declared))


main()
