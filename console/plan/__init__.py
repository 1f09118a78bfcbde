"""Change + TableFacts -> Plan: which phases, which statements, what each locks, proves and undoes.

Pure. `things` is what a plan is made of; `making` decides which phases a change needs, in which order, and why one is
left out. The runner carries out exactly what stands in a plan, and `column-console plan` prints it.
"""

from console.plan.making import first_shape, make_plan
from console.plan.things import (
    CREATE_PROGRESS,
    DROP_PROGRESS,
    Cost,
    Phase,
    PhaseName,
    Plan,
    Shape,
    Statement,
    Writer,
)

__all__ = [
    "CREATE_PROGRESS",
    "DROP_PROGRESS",
    "Cost",
    "Phase",
    "PhaseName",
    "Plan",
    "Shape",
    "Statement",
    "Writer",
    "first_shape",
    "make_plan",
]
