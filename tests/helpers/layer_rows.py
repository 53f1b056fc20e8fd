"""All rows of the layer table: every module `layer_cases_*` beside this one adds its own when it is imported."""

import importlib
from pathlib import Path

from check_layer import CASES, STEPS

for _path in sorted(Path(__file__).parent.glob("layer_cases_*.py")):
    importlib.import_module(_path.stem)

__all__ = ["CASES", "STEPS"]
