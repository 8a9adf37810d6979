"""Runs a fuzz target over a seed corpus: `python fuzz/run.py TARGET --seconds 600`.

With atheris (`pip install atheris`) inputs are bred by the code that they reach; without it, bytes of the seeds are
changed blindly, from a seed that is printed, which any machine can do.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
LONGEST = 4096
_MAGIC = (b"<", b">", b'"', b"'", b"&", b"\0", b"\xff", b"\xef\xbb\xbf", b"]]>", b"<!--", b"99999999999", b"-1", b"$")


def seeds(target: str) -> list[bytes]:
    return [p.read_bytes() for p in sorted((SEEDS / target).iterdir())]


def mutated(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Some bytes changed, dropped, doubled, or taken from another seed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.choice((1, 2, 8, 64)))
        match rng.randrange(5):
            case 0 if out:
                out[at - 1] = rng.randrange(256)
            case 1:
                del out[at:end]
            case 2:
                out[at:at] = out[at:end] * rng.choice((1, 2, 50))
            case 3:
                out[at:at] = rng.choice(_MAGIC)
            case _:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                out[at:end] = other[start : start + rng.choice((1, 8, 64))]
    return bytes(out[: max(LONGEST, len(data))])


def _failure(target: Callable[[bytes], None], data: bytes) -> Exception | None:
    try:
        target(data)
    except Exception as e:
        return e
    return None


def smallest(target: Callable[[bytes], None], data: bytes) -> bytes:
    """What is left of a failing input when pieces are dropped as long as it fails in the same way."""
    kind, piece = type(_failure(target, data)), len(data) // 2
    while piece:
        at = 0
        while at < len(data):
            less = data[:at] + data[at + piece :]
            if type(_failure(target, less)) is kind:
                data = less
            else:
                at += piece
        piece //= 2
    return data


def blind(target: Callable[[bytes], None], corpus: list[bytes], seconds: float, seed: int) -> int:
    """Runs changed seeds until the time is over; answers with how many.

    Raises:
        AssertionError: A promise broke; the message holds the input.
    """
    rng, ended, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < ended:
        data = mutated(rng.choice(corpus), corpus, rng)
        if _failure(target, data) is not None:
            found = smallest(target, data)
            raise AssertionError(f"{_failure(target, found)!r}"[:500] + f"\ninput: {found!r}") from _failure(
                target, found
            )
        count += 1
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=("book", "package", "sheet", "formulas"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blind", action="store_true", help="without atheris, even where it is installed")
    parser.add_argument("--corpus", help="folder in which atheris keeps what it found")
    args = parser.parse_args()
    try:
        import atheris
    except ImportError:
        args.blind = True
    if args.blind:
        from targets import TARGETS

        count = blind(TARGETS[args.target], seeds(args.target), args.seconds, args.seed)
        print(f"{args.target}: {count:,} inputs in {args.seconds} s, seed {args.seed}: no failure")
        return 0
    with atheris.instrument_imports(include=["xl_econ"]):
        from targets import TARGETS
    folders = [args.corpus] if args.corpus else []
    options = [f"-max_total_time={args.seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *options, *folders, str(SEEDS / args.target)], TARGETS[args.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
