"""`python -m benchmarks`: every workload on every installed side, checked and then timed.

Each library runs in a process of its own (`--python torch=/path/to/python` takes another interpreter), in turn.
"""

import argparse
import contextlib
import datetime
import fnmatch
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks import fresh_rows, options, peers, report, turns
from benchmarks.costs import Roofs
from benchmarks.goals import OWN
from benchmarks.process import PeerError
from benchmarks.session import Session


def _rows(session: Session, wanted: Callable[[str], bool], quick: bool) -> Iterator[report.Row]:
    from benchmarks.catalogue import everything

    effort = turns.QUICK if quick else turns.FULL
    limits = _limits(session)
    for work in everything():
        if wanted(work.name):
            row = session.run(work, effort)
            row.roofs = limits
            yield row
    yield from fresh_rows.rows(session, wanted, quick)


def _limits(session: Session) -> Roofs | None:
    try:
        limits = session.limits()
    except PeerError as error:
        print(f"the machine's limits are not known: {error}")
        return None
    print(f"limits with {session.threads} threads: {limits.fma * 1e-9:.0f} GFLOP/s, copy {limits.copy * 1e-9:.1f} GB/s")
    return limits


def _columns(sides: list[str], slow: bool) -> list[str]:
    return [
        peers.label(side, variant)
        for side in sides
        for variant in peers.PEERS[side].variants
        if slow or variant != "compile"
    ]


def _measure(given: argparse.Namespace) -> dict[str, Any]:
    """Measures and prints everything that was asked for; returns what `--json` writes."""
    rows: list[report.Row] = []
    versions: dict[str, str] = {}
    settings = {"threads": given.threads, "quick": given.quick, "only": given.only, "sides": given.sides}
    settings["clock"] = given.clock
    date = datetime.datetime.now(datetime.UTC).date().isoformat()

    def wanted(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, f"*{pattern}*") for pattern in given.only.split(","))

    def content() -> dict[str, Any]:
        return {"date": date, **report.content(rows, versions, settings)}

    for threads in given.threads:
        session = Session(given.sides, given.python, threads, not given.quick, given.clock)
        for name, version in session.versions.items():
            if versions.get(name) != version:
                print(f"{name}: {version}")
        versions.update(session.versions)
        table = report.Table(_columns(session.loaded, not given.quick))
        table.head()
        with contextlib.closing(session):
            for row in _rows(session, wanted, given.quick):
                rows.append(row)
                table.row(row)
                if given.json:  # a long run that is cut off has not been in vain
                    report.write_json(given.json, content())
    for row in rows:
        for side, reason in row.missing.items():
            print(f"not timed: {row.name}, {row.threads} threads, {side}: {reason}")
    return content()


def _write(given: argparse.Namespace, data: Mapping[str, Any]) -> None:
    if given.json:
        report.write_json(given.json, data)
    if given.markdown:
        from benchmarks import markdown

        markdown.write(given.markdown, data)
    if given.picture:
        from benchmarks import picture

        picture.draw(given.picture, data)


def _failed(data: Mapping[str, Any]) -> bool:
    """Whether layerjit was wanted and is missing, failing or wrong in any row."""
    if OWN not in data["settings"]["sides"]:
        return False
    if data["versions"][OWN].startswith(report.LEFT_OUT):
        return True
    return any(OWN in row["missing"] for row in data["rows"])


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmarks; returns 1 if layerjit is wanted and missing, failing or wrong in any row."""
    given = options.parse(arguments, __doc__)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of the float64 results; each side sets its own
    data = json.loads(given.read.read_text(encoding="utf-8")) if given.read else _measure(given)
    if given.lowest:
        for row in data["rows"]:
            row["figures"] = row["lowest"]
    if given.read:
        report.print_rows(data)
    _write(given, data)
    return int(_failed(data))


if __name__ == "__main__":
    sys.exit(main())
