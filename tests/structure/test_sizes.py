"""Files and functions stay small enough to be read whole."""

from source_tree import functions, package_sources, sources

MAX_FILE_LINES = 400
# A file named here is one idea that got worse when it was split; say why beside it.
LONG_FILES: set[str] = set()
LONG_FUNCTION = 50
MAX_LONG_SHARE = 0.05


def test_files_are_short() -> None:
    files = {
        source.path: len(source.text.splitlines()) for source in (*package_sources(), *sources("benchmarks"))
    }
    long = {path: lines for path, lines in files.items() if lines > MAX_FILE_LINES and path not in LONG_FILES}
    assert not long


def test_the_allow_list_holds_long_files_only() -> None:
    long = {source.path for source in package_sources() if len(source.text.splitlines()) > MAX_FILE_LINES}
    assert long >= LONG_FILES


def test_few_functions_are_long() -> None:
    lengths = {
        f"{source.path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for source in package_sources()
        for node, _parents in functions(source.tree)
    }
    long = {name: lines for name, lines in lengths.items() if lines > LONG_FUNCTION}
    assert len(long) <= MAX_LONG_SHARE * len(lengths), long
