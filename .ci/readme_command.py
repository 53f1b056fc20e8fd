"""Prints one of the set-up commands of README.md: `readme_command.py README.md NAME`.

A command is the fenced block that follows the line `<!-- command: NAME -->`. Runs on a bare Python, before
anything is installed.
"""

import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"^<!-- command: (?P<name>[\w-]+) -->\n+```sh\n(?P<text>.*?)^```$", re.M | re.S)


def commands(text: str) -> dict[str, str]:
    """Returns the marked commands of a README's text by name.

    Raises:
      ValueError: if a name stands twice.
    """
    found: dict[str, str] = {}
    for match in _BLOCK.finditer(text):
        if match["name"] in found:
            raise ValueError(f"the command {match['name']!r} is marked twice; give each its own name")
        found[match["name"]] = match["text"].strip()
    return found


def main(arguments: list[str]) -> int:
    """Prints the command; returns 1 with a message where README has none of that name."""
    path, name = arguments
    command = commands(Path(path).read_text(encoding="utf-8")).get(name)
    if not command:
        sys.stderr.write(f"{path} marks no {name!r}: put `<!-- command: {name} -->` before its ```sh block\n")
        return 1
    sys.stdout.write(command + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
