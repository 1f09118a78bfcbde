"""Run the benchmarks that are named, or all: `python -m benchmarks [NAME...]`."""

import importlib
import pkgutil
import sys

import benchmarks


def main() -> int:
    """Each benchmark is a module of this package with a function `main`."""
    there = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_"))
    asked = sys.argv[1:] or there
    if unknown := sorted(set(asked) - set(there)):
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(there)}", file=sys.stderr)
        return 2
    for name in asked:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
