"""`python -m console.runner OPTIONS`: the process that carries a plan out. Started by `console.runner.launch`."""

from __future__ import annotations

import sys

from console.runner.options import from_arguments
from console.runner.process import main

sys.exit(main(from_arguments(sys.argv[1:])))
