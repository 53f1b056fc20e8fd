"""The command line of `python -m benchmarks`."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks import harness, peers


def parse(arguments: list[str] | None, description: str | None) -> argparse.Namespace:
    """Reads the command line; ends the program with a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=description)
    add = parser.add_argument
    add("--only", metavar="PATTERN", default="*",
        help="rows whose name contains one of these, separated by commas (wildcards: * ?)")  # fmt: skip
    add("--sides", metavar="A,B", default=",".join(peers.PEERS), help="default: %(default)s")
    add("--quick", action="store_true", help="fewer rounds, no variant that compiles for long")
    add("--threads", metavar="N,M", default="1", help="a table for each; default: %(default)s")
    add("--python", metavar="SIDE=PATH", action="append", default=[],
        help="the interpreter that has this side installed; default: this one")  # fmt: skip
    add("--json", metavar="FILE", type=Path, help="also write the figures here")
    add("--picture", metavar="FILE", type=Path, help="also draw the ratios (.png, .svg; needs matplotlib)")
    add("--markdown", metavar="FILE", type=Path, help="also write the table as Markdown")
    add("--lowest", action="store_true",
        help="the lowest round of each side instead of the median, for a machine that is busy")  # fmt: skip
    add("--clock", choices=harness.CLOCKS, default="wall",
        help="`processor` counts the time of all threads; for one thread on a machine that is busy")  # fmt: skip
    add("--read", metavar="FILE", type=Path,
        help="measure nothing: show a file that --json wrote")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        _check(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def _check(options: argparse.Namespace) -> None:
    options.sides = options.sides.split(",")
    _known(options.sides)
    options.threads = [int(part) for part in options.threads.split(",")]
    if min(options.threads) < 1:
        raise ValueError("--threads must be at least 1")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if max(options.threads) > processors:
        raise ValueError(f"--threads {max(options.threads)}: this process has {processors} processors")
    pythons = dict.fromkeys(peers.PEERS, sys.executable)
    for part in options.python:
        side, equals, path = part.partition("=")
        _known([side])
        if not equals or not Path(path).is_file():
            raise ValueError(f"--python {part}: write SIDE=PATH, with the path of an interpreter")
        pythons[side] = path
    options.python = pythons


def _known(sides: list[str]) -> None:
    unknown = set(sides) - set(peers.PEERS)
    if unknown:
        raise ValueError(f"no such side: {', '.join(sorted(unknown))}; there are {', '.join(peers.PEERS)}")
