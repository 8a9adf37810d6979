// Calls functions of xl_econ in Pyodide: node pyodide_vectors.mjs PYODIDE WHEELS CALLS; answers with JSON.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideFolder, wheels, calls] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(pyodideFolder, "pyodide.mjs")));
const pyodide = await loadPyodide();
for (const name of readdirSync(wheels).filter((n) => n.endsWith(".whl"))) {
  pyodide.unpackArchive(new Uint8Array(readFileSync(join(wheels, name))), "wheel");
}
pyodide.globals.set("calls", readFileSync(calls, "utf-8"));
console.log(
  pyodide.runPython(`
import json, sys
import xl_econ
from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function

def value(name, arguments):
    try:
        return function(name)(**arguments)
    except XlEconError as e:
        return e.cell

found = [value(name, arguments) for name, arguments in json.loads(calls)]
heavy = [m for m in ("numpy", "pandas", "xlwings", "openpyxl") if m in sys.modules]
json.dumps({"python": sys.version.split()[0], "platform": sys.platform, "values": found, "heavy": heavy})
`),
);
