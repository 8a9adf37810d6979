"""xlwings' real server behind a pipe: a call a line in, its answer a line out. A process of its own: fake_pywin32."""

import json
import sys

from fake_pywin32 import server

answers = sys.stdout
sys.stdout = sys.stderr  # nothing that is printed may look like an answer


def tuples(value):
    return tuple(map(tuples, value)) if isinstance(value, list) else value


SERVER = server()
print("ready", file=answers, flush=True)
for line in sys.stdin:
    module, function, args = json.loads(line)
    try:
        found = {"answer": SERVER.CallUDF(module, function, tuples(args))}
    except Exception as e:
        found = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(found), file=answers, flush=True)
