"""Benchmarks: each prints ratios of figures taken side by side, in one run. `make bench`."""
