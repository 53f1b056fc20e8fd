"""`python -m benchmarks`: every workload on every installed side, checked and then timed.

Each library runs in a process of its own (`--python torch=/path/to/python` takes another interpreter), in turn.
"""

import fnmatch
import sys
from collections.abc import Callable, Iterator

from benchmarks import options, peers, report, turns
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


def _limits(session: Session) -> Roofs | None:
    try:
        limits = session.limits()
    except PeerError as error:
        print(f"the machine's limits are not known: {error}")
        return None
    print(f"{session.threads} threads: {limits.fma * 1e-9:.0f} GFLOP/s, copy {limits.copy * 1e-9:.1f} GB/s")
    return limits


def _columns(sides: list[str], slow: bool) -> list[str]:
    return [
        peers.label(side, variant)
        for side in sides
        for variant in peers.PEERS[side].variants
        if slow or variant != "compile"
    ]


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmarks; returns 1 if layerjit is wanted and missing, failing or wrong in any row."""
    given = options.parse(arguments, __doc__)
    rows: list[report.Row] = []
    versions: dict[str, str] = {}

    def wanted(name: str) -> bool:
        return fnmatch.fnmatchcase(name, f"*{given.only}*")

    for threads in given.threads:
        session = Session(given.sides, given.python, threads, not given.quick)
        for name, version in session.versions.items():
            if versions.get(name) != version:
                print(f"{name}: {version}")
        versions.update(session.versions)
        table = report.Table(_columns(session.loaded, not given.quick))
        table.head()
        try:
            for row in _rows(session, wanted, given.quick):
                rows.append(row)
                table.row(row)
        finally:
            session.close()
    for row in rows:
        for side, reason in row.missing.items():
            print(f"not timed: {row.name}, {row.threads} threads, {side}: {reason}")
    settings = {"threads": given.threads, "quick": given.quick, "only": given.only}
    if given.json:
        report.write_json(given.json, report.content(rows, versions, settings))
    failed = any(OWN in row.missing for row in rows)
    return int(failed or (OWN in given.sides and versions[OWN].startswith("left out")))


if __name__ == "__main__":
    sys.exit(main())
