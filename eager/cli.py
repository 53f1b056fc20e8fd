"""The command line: `layerjit demo | dump | show | passes | kernel | dot | ops | coverage | cache`.

Views read the dump file only. Errors are one line on stderr and exit code 2.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from graphcore.errors import LayerJitError

if TYPE_CHECKING:
    import argparse

    from graphcore.inspect.records import Dump

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
FAILURE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 if `coverage` or `cache` found a fault, or 2 after an error.

    Args:
        argv: the words after the program's name; None takes them from the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["demo"]:
            return _demo(words[1:])
        options = _parser().parse_args(words)
        return int(options.run(options) or 0)
    except BrokenPipeError:
        # Whoever read the output has seen enough (`layerjit show F | head`); nothing may be flushed there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (LayerJitError, OSError) as error:
        return _fail(str(error))
    except SystemExit as stop:
        if isinstance(stop.code, str):  # a claim of the demo that did not hold
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0


def _fail(message: str) -> int:
    print(f"layerjit: {clean(' '.join(message.split()))}", file=sys.stderr)
    return FAILURE


def clean(text: str) -> str:
    """The text without control characters: a dump may come from anywhere, and a terminal obeys them."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a sign shows another one; that is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    print(clean(text).rstrip("\n"), flush=True)


def _demo(words: list[str]) -> int:
    from importlib import import_module

    return int(import_module("eager.demo").main(words) or 0)


def _read(options: Any) -> Dump:
    from graphcore.inspect import read_dump

    return read_dump(options.file)


def _dump(options: Any) -> None:
    from eager.cli_dump import dump_target

    output = dump_target(options.target, options.output, options.spec)
    _print(f"wrote {output}; look at it with: layerjit show {output}")


def _show(options: Any) -> None:
    from graphcore.inspect import show

    _print(show(_read(options)))


def _passes(options: Any) -> None:
    from graphcore.inspect import passes, stage_text

    dump = _read(options)
    _print(passes(dump) if options.graph is None else stage_text(dump, options.graph))


def _kernel(options: Any) -> None:
    from graphcore.inspect import kernel_text

    _print(kernel_text(_read(options), options.name, "llvm" if options.llvm else "loops"))


def _dot(options: Any) -> None:
    from graphcore.inspect import to_dot

    text = to_dot(_read(options), options.stage)
    if options.output is None:
        _print(text)
        return
    from pathlib import Path

    Path(options.output).write_text(clean(text), encoding="utf-8")
    _print(f"wrote {options.output}; draw it with: dot -Tsvg {options.output}")


def _ops(options: Any) -> None:
    from graphcore.inspect import optable

    if options.json:
        import json

        _print(json.dumps([row._asdict() for row in optable.op_rows()], indent=1))
    elif options.count:
        _print(optable.count_text())
    else:
        _print(optable.table_markdown() if options.markdown else optable.table_text())


def _coverage(options: Any) -> int:
    from eager.keras import coverage

    rows = coverage.families()
    if options.json:
        import json

        _print(json.dumps([row._asdict() for row in rows], indent=1))
    else:
        _print(coverage.text(rows))
    return 0 if coverage.complete(rows) else 1


def _cache(options: Any) -> int:
    from eager import cli_cache

    facts, text, code = cli_cache.run(options.what)
    if options.json:
        import json

        text = json.dumps(facts._asdict(), indent=1)
    _print(text)
    return code


def _parser() -> argparse.ArgumentParser:
    import argparse

    from graphcore.errors import InvalidArgumentError
    from graphcore.version import __version__

    class Parser(argparse.ArgumentParser):
        """Reports a wrong command line as every other error: in one line."""

        def error(self, message: str) -> NoReturn:
            raise InvalidArgumentError(f"{message}; see {self.prog} --help")

    parser = Parser(
        "layerjit",
        description="Keras-style layers on the CPU: run the demo, write and read compilation dumps.",
    )
    parser.add_argument("--version", action="version", version=f"layerjit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.add_parser("demo", help="train a small model on real data, eagerly and compiled")
    _add_dump(commands)
    _add_views(commands)
    _add_ops(commands)
    _add_cache(commands)
    return parser


def _add_ops(commands: Any) -> None:
    ops = commands.add_parser("ops", help="the op table: kind, native or host, gradient, accuracy")
    form = ops.add_mutually_exclusive_group()
    form.add_argument("--count", action="store_true", help="only how many ops there are")
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as the page that README links to")
    ops.set_defaults(run=_ops)
    coverage = commands.add_parser("coverage", help="which public names of tf.keras, tf.data and tf.train are here")
    coverage.add_argument("--json", action="store_true", help="as JSON")
    coverage.set_defaults(run=_coverage)


def _add_cache(commands: Any) -> None:
    cache = commands.add_parser("cache", help="the disk cache of compiled code")
    cache.add_argument(
        "what", choices=("info", "clear", "verify"), help="tell about it, empty it, or check every entry"
    )
    cache.add_argument("--json", action="store_true", help="as JSON")
    cache.set_defaults(run=_cache)


def _add_dump(commands: Any) -> None:
    dump = commands.add_parser("dump", help="compile a function or layer and write its dump")
    dump.add_argument("target", metavar="MODULE:FUNCTION|FILE.py:NAME")
    dump.add_argument("-o", "--output", metavar="FILE", help="the dump (default: NAME.gcdump)")
    dump.add_argument(
        "--spec", action="append", default=[], metavar="TYPE",
        help="type of one argument, such as float32[8,64]; ? is a size that varies; repeat per argument",
    )  # fmt: skip
    dump.set_defaults(run=_dump)


def _add_views(commands: Any) -> None:
    for name, function, text in (
        ("show", _show, "overview of a dump"),
        ("passes", _passes, "what each pass did"),
        ("kernel", _kernel, "one kernel's code"),
        ("dot", _dot, "a graph as Graphviz text"),
    ):
        view = commands.add_parser(name, help=text)
        view.set_defaults(run=function)
        if name == "kernel":
            view.add_argument("name", metavar="NAME")
            which = view.add_mutually_exclusive_group()
            which.add_argument("--loops", action="store_true", help="the loop IR (default)")
            which.add_argument("--llvm", action="store_true", help="the LLVM text")
        view.add_argument("file", metavar="FILE")
        if name == "passes":
            view.add_argument("--graph", metavar="PASS", help="print the graph after this pass")
        if name == "dot":
            view.add_argument("-o", "--output", metavar="FILE", help="write there instead of printing")
            view.add_argument("--stage", metavar="PASS", help="the graph after this pass (default: the last)")
