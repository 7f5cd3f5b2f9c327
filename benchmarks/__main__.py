"""`python -m benchmarks [journey] [sizes] [lookup] [search] [options]`: everything that is measured, or the named parts."""

from __future__ import annotations

import importlib
import sys

PARTS = ("journey", "sizes", "lookup", "search")


def main(arguments: list[str]) -> None:
    """Run the parts named first, all without a name; the options go to each."""
    named = [argument for argument in arguments if argument in PARTS]
    options = arguments[len(named) :]
    for part in named or PARTS:
        importlib.import_module(f"benchmarks.{part}").main(options)


main(sys.argv[1:])
