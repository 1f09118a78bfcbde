"""What the demo's shop is on every database: its size, and what people write on orders."""

ROWS = 1_000_000
CHUNK = 50_000
"""Rows made by one statement: about a third of a second, so that progress moves and a stop is quick."""
NOTES = (
    "leave with the neighbour",
    "gift, please no invoice",
    "ring twice [bold]loudly[/bold]",
    "Größe tauschen, siehe Mail",
    "deliver after 18:00",
    "customer's own pick-up",
)


def customers_for(orders: int) -> int:
    """How many customers make so many orders.

    >>> [customers_for(orders) for orders in (3, 50_000, 100_000_000)]
    [100, 5000, 100000]
    """
    return min(max(orders // 10, 100), 100_000)
