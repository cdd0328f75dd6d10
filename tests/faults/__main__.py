"""`python -m tests.faults`: the long campaign, its failures as they come, its table at the end."""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults import KINDS
from tests.faults.campaign import run_kind, say, table


def main() -> int:
    """Exit 0 if no fault did harm, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of all random choices")
    parser.add_argument("--only", choices=list(KINDS), nargs="+", help="these kinds of fault")
    parser.add_argument("--case", help="this case alone, as a failure named it")
    parser.add_argument("--most", type=int, help="so many cases of each kind, chosen by the seed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    args = parser.parse_args()
    until = time.monotonic() + 60 * args.minutes
    results = []
    for name in args.only or KINDS:
        began = time.monotonic()
        kind = KINDS[name]()
        most = args.most or kind.LONG
        results.append(run_kind(kind, args.seed, most=most, only=args.case, until=until, log=say))
        say(f"{name}: {results[-1].counts['injected']} in {time.monotonic() - began:.0f} s")
    print(table(results))
    return 0 if all(result.clean for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
