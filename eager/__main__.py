"""`python -m eager` runs the demo; with arguments it is the `layerjit` command."""

import sys

from eager.cli import main

sys.exit(main(sys.argv[1:] or ["demo"]))
