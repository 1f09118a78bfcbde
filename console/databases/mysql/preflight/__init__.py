"""Preflight: what stands in the way of a change, what wants a look, and what it will cost. Reads only.

A small file for each group of findings; `run` runs them all. Each check costs a few cheap queries under a deadline,
and one that can't be had says so: "not permitted" never reads as "fine". A code that PostgreSQL has too means the
same thing here.
"""

from console.databases.mysql.preflight.run import preflight

__all__ = ["preflight"]
