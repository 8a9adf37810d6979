"""The ribbon's macros as the add-in's VBA calls them, through xlwings' real server; prints what went wrong.

A process of its own: fake_pywin32.
"""

from fake_pywin32 import server

SERVER = server()

import fake_excel  # noqa: E402  (after xlwings)

from xl_econ.addin import excel, ribbon  # noqa: E402


def call(macro, *arguments):
    """What XlEconRibbon.bas does."""
    module = SERVER.Module("xl_econ.addin.macros")
    return SERVER.Str(SERVER.Call(module, macro, SERVER.TupleFromArray(arguments)))


app = fake_excel.App()
excel.application = lambda: app
for button in (b for group in ribbon.GROUPS.values() for b in group if b.macro not in ("help", "insert_template")):
    said = call(button.macro)
    if not said or "internal error" in said:
        print(button.macro, said)
sheet = app.open().sheets[0]
sheet.set("A1", "=TRAIN_COST(405,15.6,989.4,41%,2.5)", 1.0)
app.selection = sheet.range("A1")
if "the steps are in Sheet1!C1" not in (said := call("explain_cell")):
    print(said)
if "sheets are in Book1.xlsx" not in (said := call("insert_template", "training_budget")):
    print(said)
