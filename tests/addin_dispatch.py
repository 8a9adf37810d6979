"""xlwings' real server behind a pipe: a call a line in, its answer a line out. A process of its own: fake_pywin32."""

import json
import sys
import types

from fake_pywin32 import server

import xl_econ.addin

answers = sys.stdout
sys.stdout = sys.stderr  # nothing that is printed may look like an answer


def tuples(value):
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def button(module, macro, args):
    """What XlEconRibbon does, call by call."""
    return SERVER.Str(SERVER.Call(SERVER.Module(module), macro, SERVER.TupleFromArray(args)))


def failing():
    raise RuntimeError("no workbook is open")


SERVER = server()
# In the place of the ribbon's macros, which need Excel.
sys.modules["xl_econ.addin.macros"] = xl_econ.addin.macros = types.SimpleNamespace(
    insert_template=lambda name: f"inserted {name}", explain_cell=lambda: None, why=lambda: "no error", about=failing
)
print("ready", file=answers, flush=True)
for line in sys.stdin:
    module, function, args = json.loads(line)
    try:
        called = SERVER.CallUDF if module.endswith("udf") else button
        found = {"answer": called(module, function, tuples(args))}
    except Exception as e:
        found = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(found), file=answers, flush=True)
