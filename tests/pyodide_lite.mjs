// Runs main.py of xlwings Lite in Pyodide, with a stand-in for xlwings' decorator: node pyodide_lite.mjs PYODIDE WHEELS MAIN.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideFolder, wheels, main] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(pyodideFolder, "pyodide.mjs")));
const pyodide = await loadPyodide();
for (const name of readdirSync(wheels).filter((n) => n.endsWith(".whl"))) {
  pyodide.unpackArchive(new Uint8Array(readFileSync(join(wheels, name))), "wheel");
}
pyodide.globals.set("main", readFileSync(main, "utf-8"));
console.log(
  pyodide.runPython(`
import json, sys, types
sys.modules["xlwings"] = types.ModuleType("xlwings")
sys.modules["xlwings"].func = lambda f: f
space = {}
exec(main, space)
cost = (405.0, 15.6, 989.4, 0.41, 2.5)
json.dumps({
    "econ": space["econ"]("TRAIN_COST", *cost),
    "own": space["run_cost"](*cost, 0.9),
    "steps": space["econ_explain"]("TRAIN_COST", *cost, None),
    "heavy": [m for m in ("numpy", "pandas", "openpyxl", "ironcalc") if m in sys.modules],
})
`),
);
