"""`python -m benchmarks`: every workload on every installed side, checked and then timed.

Threads are limited before any array library is imported; that is why most imports here stand in functions.
"""

import argparse
import fnmatch
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from benchmarks import first_call, harness, imports, peers, report

if TYPE_CHECKING:
    from benchmarks.workloads import Workload

FIRST_CALL = f"first_call mlp batch {first_call.BATCH}"
IMPORT = "import"


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="rows whose name contains it (wildcards: * ?)"
    )
    parser.add_argument("--sides", metavar="A,B", default=",".join(peers.PEERS), help="default: %(default)s")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, no variant that compiles for long"
    )
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures here")
    options = parser.parse_args(arguments)
    options.sides = options.sides.split(",")
    unknown = set(options.sides) - set(peers.PEERS)
    if unknown:
        parser.error(f"no such side: {', '.join(sorted(unknown))}; there are {', '.join(peers.PEERS)}")
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    return options


def _load(names: list[str]) -> tuple[dict[str, ModuleType], dict[str, str]]:
    """The sides that are installed, and every side's version or the reason why it is left out."""
    modules: dict[str, ModuleType] = {}
    versions: dict[str, str] = {}
    for name in names:
        try:
            modules[name], versions[name] = peers.load(name)
        except ImportError as error:
            versions[name] = f"left out: {error}"
    return modules, versions


def _build(
    workload: "Workload", modules: dict[str, ModuleType], slow: bool
) -> tuple[dict[str, harness.Side], report.Row]:
    """The sides of a workload that give the right result; the row says why others are not there."""
    data = workload.data()
    expected = workload.expected(data)
    row = report.Row(workload.name, {}, {})
    sides: dict[str, harness.Side] = {}
    for name, module in modules.items():
        try:
            variants = module.build(workload, data, slow)
        except Exception as error:
            row.missing[name] = f"{type(error).__name__}: {error}"
            continue
        for variant, side in variants.items():
            label = f"{name}:{variant}" if variant else name
            try:
                error = harness.worst_error(side, expected)
            except Exception as problem:
                row.missing[label] = f"{type(problem).__name__}: {problem}"
                continue
            if error > workload.tolerance:
                row.missing[label] = (
                    f"wrong by {error:.1e} of the largest value (allowed: {workload.tolerance:.0e})"
                )
            else:
                sides[label] = side
    return sides, row


def _first_calls(labels: list[str]) -> report.Row:
    row = report.Row(FIRST_CALL, {}, {})
    for label in labels:
        try:
            row.seconds[label] = first_call.measure(label)
        except Exception as error:
            row.missing[label] = str(error)
    return row


def _imports(labels: list[str], quick: bool) -> report.Row:
    row = report.Row(IMPORT, {}, {})
    statements = {label: imports.MODULES[label.partition(":")[0]] for label in labels}
    row.seconds.update(imports.measure(statements, rounds=3 if quick else 9))
    return row


def _columns(modules: dict[str, ModuleType], slow: bool) -> list[str]:
    """One column per side and variant; which variants a side has is asked of the smallest workload."""
    from benchmarks.workloads import WORKLOADS

    columns: list[str] = []
    for name, module in modules.items():
        try:
            variants = list(module.build(WORKLOADS[0], WORKLOADS[0].data(), slow))
        except Exception:
            variants = [""]
        columns += [f"{name}:{variant}" if variant else name for variant in variants]
    return columns


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmarks; returns 1 if layerjit is wanted and missing, failing or wrong in any row."""
    options = _arguments(arguments)
    harness.limit_threads(options.threads)
    from benchmarks.kinds import KINDS
    from benchmarks.workloads import WORKLOADS

    modules, versions = _load(options.sides)
    for name, version in versions.items():
        print(f"{name}: {version}")
    slow = not options.quick
    effort = harness.QUICK if options.quick else harness.FULL
    columns = _columns(modules, slow)
    firsts = [next(it for it in columns if it.partition(":")[0] == name) for name in modules]
    table = report.Table(columns)
    table.head()
    rows: list[report.Row] = []

    def wanted(name: str) -> bool:
        return fnmatch.fnmatchcase(name, f"*{options.only}*")

    def add(row: report.Row) -> None:
        rows.append(row)
        table.row(row)

    for workload in filter(lambda it: wanted(it.name), [*WORKLOADS, *KINDS]):
        sides, row = _build(workload, modules, slow)
        row.seconds.update(harness.measure(sides, effort))
        add(row)
    if wanted(FIRST_CALL):
        add(_first_calls(columns))
    if wanted(IMPORT):
        add(_imports(firsts, options.quick))
    for row in rows:
        for side, reason in row.missing.items():
            print(f"not timed: {row.name}, {side}: {reason}")
    if options.json:
        settings = {"threads": options.threads, "quick": options.quick, "only": options.only}
        report.write_json(options.json, rows, versions, settings)
    failed = any(report.OWN in row.missing for row in rows)
    return int(failed or (report.OWN in options.sides and report.OWN not in modules))


if __name__ == "__main__":
    sys.exit(main())
