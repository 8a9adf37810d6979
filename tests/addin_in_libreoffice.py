"""Runs the add-in's VBA in LibreOffice, from cells; run by a Python that has the module uno.

Arguments: the job (JSON), the folder for the profile, the Python that runs addin_dispatch.py. The job names the
workbook, other documents to have open, the folder of the user's programs, and rounds: the values of cells, the formulas
to compute, the files that there are with their texts, how often the server ends, the tags of buttons to press. Prints
of each what the formulas gave and what was asked for.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.script import XInvocation

MISSING = -2147352572


class Invocable(unohelper.Base, XInvocation):
    """An object whose methods and properties Basic calls by name."""

    properties = {}  # noqa: RUF012

    def getIntrospection(self):
        return None

    def hasMethod(self, name):
        return hasattr(self, f"do_{name}".lower())

    def hasProperty(self, name):
        return name.lower() in self.properties

    def getValue(self, name):
        return self.properties[name.lower()]()

    def setValue(self, name, value):
        raise AttributeError(name)

    def invoke(self, name, params, out_index, out):
        return getattr(self, f"do_{name}".lower())(*params), (), ()


class Dictionary(Invocable):
    """Scripting.Dictionary, as far as the add-in uses it."""

    def __init__(self, log):
        self.kept, self.log, self.properties = {}, log, {"count": lambda: len(self.kept)}

    def do_exists(self, key):
        return key in self.kept

    def do_item(self, key):
        self.log.append(["remembered", key])
        return self.kept[key]

    def do_add(self, key, value):
        self.kept[key] = value


class Button(Invocable):
    """A control of the ribbon."""

    def __init__(self, tag):
        self.properties = {"tag": lambda: tag}


class Host(Invocable):
    """Windows and the Python side."""

    def __init__(self, job, python):
        self.folder, self.files, self.log, self.crashes = job["folder"], {}, [], 0
        script = Path(__file__).with_name("addin_dispatch.py")
        self.process = subprocess.Popen(
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout.readline() == "ready\n"

    def do_localfolder(self):
        return self.folder

    def do_fileexists(self, path):
        self.log.append(["exists", path])
        return path in self.files

    def do_textof(self, path):
        self.log.append(["read", path])
        return self.files[path]

    def do_note(self, reason):
        self.log.append(["note", reason])

    def do_message(self, text, title):
        self.log.append(["message", text, title])

    def do_dictionary(self):
        return Dictionary(self.log)

    def do_loadlibrary(self, path):
        self.log.append(["load", path])
        return True

    def do_activate(self, command):
        self.log.append(["start", command])
        return 0

    def do_crashes(self):
        self.crashes -= 1
        return self.crashes >= 0

    def do_calludf(self, module, function, args):
        sent = plain(args)
        self.log.append(["call", *sent[0]])
        return self.sent(module, function, sent)

    def do_module(self, name):
        return name

    def do_tuplefromarray(self, values):
        return tuple(values)

    def do_call(self, module, macro, args):
        self.log.append(["macro", macro, *args])
        return self.sent(module, macro, list(args))

    def do_str(self, answer):
        return answer

    def sent(self, module, function, sent):
        """The answer of addin_dispatch."""
        self.process.stdin.write(json.dumps([module, function, sent]) + "\n")
        found = json.loads(self.process.stdout.readline())
        if "error" in found:
            raise RuntimeError(found["error"])
        return typed(found["answer"])


def plain(value):
    """A value of Basic as JSON: nothing is None, an omitted argument is COM's code of it."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return float(value) if value != MISSING else value
    return MISSING


def typed(value):
    return tuple(typed(v) for v in value) if isinstance(value, list) else value


def option(name, value):
    found = PropertyValue()
    found.Name, found.Value = name, value
    return found


def compute(sheet, first, todo):
    """Values of formulas, which are written from a row on that no earlier round has used."""
    for place, value in todo["cells"].items():
        cell = sheet.getCellRangeByName(place)
        if isinstance(value, str):
            cell.setString(value)
        else:
            cell.setValue(value)
    found = []
    for n, formula in enumerate(todo["formulas"], first):
        text, rows, columns = formula if isinstance(formula, list) else (formula, 1, 1)
        at = sheet.getCellRangeByPosition(20, 100 * n, 20 + columns - 1, 100 * n + rows - 1)
        if isinstance(formula, list):
            at.setArrayFormula(text)
        else:
            at.getCellByPosition(0, 0).setFormula(text)
        found.append([list(row) for row in at.getDataArray()])
    return found


def main():
    job, profile, python = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).resolve(), sys.argv[3]
    pipe = f"p{uuid.uuid4().hex}"
    office = subprocess.Popen(
        ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", f"--accept=pipe,name={pipe};urp;"],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    host = Host(job, python)
    try:
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        for _ in range(300):
            try:
                context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
                break
            except NoConnectException:
                time.sleep(0.1)
        desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        options = (option("Hidden", True), option("MacroExecutionMode", 4))
        book = desktop.loadComponentFromURL(Path(job["workbook"]).as_uri(), "_blank", 0, options)
        others = [desktop.loadComponentFromURL(Path(o).as_uri(), "_blank", 0, options) for o in job["others"]]
        provider, place = book.getScriptProvider(), "vnd.sun.star.script:xl_econ.{}?language=Basic&location=document"
        provider.getScript(place.format("XlEconWindows.SetHost")).invoke((host,), (), ())
        results, first = [], 0
        for todo in job["rounds"]:
            host.files, host.log, host.crashes = todo["files"], [], todo["crashes"]
            for macro in ("XlEconServer.XlEconDropServer", "XlEconCalls.XlEconForget"):
                provider.getScript(place.format(macro)).invoke((), (), ())
            for tag in todo["buttons"]:
                provider.getScript(place.format("XlEconRibbon.XlEconButton")).invoke((Button(tag),), (), ())
            results.append((compute(book.Sheets.getByIndex(0), first, todo), host.log))
            first += len(todo["formulas"])
        print(json.dumps(results))
        for document in (*others, book):
            document.close(True)
        desktop.terminate()
        office.wait(30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(office.pid, signal.SIGKILL)  # soffice starts the program that does the work
        host.process.kill()


if __name__ == "__main__":
    main()
