"""What the application asks of the database: its requests, as each of its versions writes them.

v1 knows nothing of `placed_on`; v2 writes it; v3 reads it too. v2 and v3 do so once the column is there.
The databases differ in a few words of SQL, which are a `Dialect`.
"""

import datetime
import random
from collections.abc import Awaitable, Callable

import msgspec

from console.demo.link import Link, transaction

VERSIONS = ("v1", "v2", "v3")
NEW_COLUMN = "placed_on"

_NOTES = ("leave with the neighbour", "gift, please no invoice", None, None, None)


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """The words in which databases differ."""

    now: str
    day: str
    """The day of `placed_at`, in UTC."""
    row_lock: str
    """What locks a row that is about to be updated."""
    returning: str
    """What makes an INSERT return the row's number, where it has to be asked for."""
    column: str
    """The query that finds a row when `orders` has a column; one parameter, its name."""
    patience: str
    """The statement that keeps a session from waiting for a lock for more than 5 seconds."""
    snapshot: str
    """The statement that begins a transaction that goes on seeing what it first saw."""
    sleep: str
    """The function that takes its time; one parameter, the seconds."""


class Requests:
    """The requests' SQL in a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        now, day = dialect.now, dialect.day
        self.dialect = dialect
        self.read = """
            SELECT id, customer_id, status, amount, currency, placed_at, note, updated_at
              FROM orders WHERE id = %s"""
        self.read_of_customer = """
            SELECT id, status, amount, currency, placed_at
              FROM orders WHERE customer_id = %s ORDER BY placed_at DESC LIMIT 20"""
        self.read_of_status = """
            SELECT id, customer_id, placed_at
              FROM orders WHERE status = 'placed' ORDER BY placed_at LIMIT 20"""
        self.read_of_day = """
            SELECT currency, count(*), sum(amount)
              FROM orders WHERE placed_on = %s GROUP BY currency"""
        columns = "customer_id, status, amount, currency, placed_at, note, updated_at"
        values = "%(customer)s, 'placed', %(amount)s, %(currency)s, %(placed_at)s, %(note)s, %(placed_at)s"
        self.insert = f"""
            INSERT INTO orders ({columns})
            VALUES ({values}) {dialect.returning}"""
        self.insert_with_day = f"""
            INSERT INTO orders ({columns}, placed_on)
            VALUES ({values}, %(day)s) {dialect.returning}"""
        self.lock = f"SELECT status FROM orders WHERE id = %(order)s {dialect.row_lock}"
        self.set_status = f"""
            UPDATE orders SET status = %(status)s, updated_at = {now} WHERE id = %(order)s"""
        self.set_status_and_day = f"""
            UPDATE orders SET status = %(status)s, updated_at = {now}, placed_on = {day}
             WHERE id = %(order)s"""
        self.correct_time = f"""
            UPDATE orders SET placed_at = %(placed_at)s, updated_at = {now} WHERE id = %(order)s"""
        self.correct_time_and_day = f"""
            UPDATE orders SET placed_at = %(placed_at)s, updated_at = {now}, placed_on = %(day)s
             WHERE id = %(order)s"""
        self.delete = "DELETE FROM orders WHERE id = %s"


class Knowledge:
    """What one run of the application knows: roughly which orders exist, its version, and the columns it sees."""

    def __init__(self, chance: random.Random, dialect: Dialect) -> None:
        self.newest_order = 1
        self.customers = 1
        self.version = VERSIONS[0]
        self.has_new_column = False
        self.chance = chance
        self.requests = Requests(dialect)

    async def learn(self, link: Link) -> None:
        """Look at the data once."""
        ((newest, customers),) = await link.rows(
            "SELECT (SELECT max(id) FROM orders), (SELECT max(id) FROM customers)"
        )
        self.newest_order, self.customers = newest or 1, customers or 1
        await self.look_for_column(link)

    async def look_for_column(self, link: Link) -> None:
        """See whether the new column is there."""
        self.has_new_column = bool(await link.rows(self.requests.dialect.column, [NEW_COLUMN]))

    @property
    def writes_day(self) -> bool:
        """Whether this version writes the new column."""
        return self.has_new_column and self.version != "v1"

    @property
    def reads_day(self) -> bool:
        """Whether this version reads the new column."""
        return self.has_new_column and self.version == "v3"

    def some_order(self) -> int:
        """The number of an order, most often a recent one; it may have been deleted."""
        oldest = 1 if self.chance.random() < 0.3 else int(self.newest_order * 0.9)
        return self.chance.randint(max(oldest, 1), self.newest_order)

    def some_time(self, days: float) -> datetime.datetime:
        """A moment of the last `days` days."""
        return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=self.chance.random() * days)


Operation = Callable[[Link, Knowledge], Awaitable[None]]


async def read_order(link: Link, known: Knowledge) -> None:
    """Show one order: a read by key."""
    await link.rows(known.requests.read, [known.some_order()])


async def read_list(link: Link, known: Knowledge) -> None:
    """Show a list, by an index: a customer's orders, the orders to pack, or (v3) a day's turnover."""
    draw = known.chance.random()
    if known.reads_day and draw < 0.3:
        await link.rows(known.requests.read_of_day, [known.some_time(30).date()])
    elif draw > 0.9:
        await link.rows(known.requests.read_of_status)
    else:
        await link.rows(known.requests.read_of_customer, [known.chance.randint(1, known.customers)])


async def place_order(link: Link, known: Knowledge) -> None:
    """A customer buys: an insert. Some orders come from a till that was offline for days."""
    placed_at = known.some_time(5 if known.chance.random() < 0.1 else 0)
    values = {
        "customer": known.chance.randint(1, known.customers),
        "amount": round(known.chance.lognormvariate(3.3, 0.8), 2),
        "currency": known.chance.choice(("EUR", "GBP", "USD", "PLN", "SEK", "CHF")),
        "note": known.chance.choice(_NOTES),
        "placed_at": placed_at,
        "day": placed_at.date(),
    }
    requests = known.requests
    order = await link.insert(requests.insert_with_day if known.writes_day else requests.insert, values)
    known.newest_order = max(known.newest_order, order)


async def move_on(link: Link, known: Knowledge) -> None:
    """An order reaches its next status: a transaction that locks the row, looks, and writes."""
    order = {
        "order": known.some_order(),
        "status": known.chance.choice(("paid", "shipped", "delivered", "returned")),
    }
    requests = known.requests
    async with transaction(link):
        if await link.rows(requests.lock, order):
            await link.run(requests.set_status_and_day if known.writes_day else requests.set_status, order)


async def correct_time(link: Link, known: Knowledge) -> None:
    """Somebody corrects the time of purchase: an update of the column that the new one is computed from."""
    placed_at = known.some_time(60)
    values = {"order": known.some_order(), "placed_at": placed_at, "day": placed_at.date()}
    requests = known.requests
    await link.run(requests.correct_time_and_day if known.writes_day else requests.correct_time, values)


async def delete_order(link: Link, known: Knowledge) -> None:
    """An order is removed at the customer's wish."""
    await link.run(known.requests.delete, [known.some_order()])


MIX: tuple[tuple[Operation, int], ...] = (
    (read_order, 45),
    (read_list, 18),
    (place_order, 15),
    (move_on, 15),
    (correct_time, 5),
    (delete_order, 2),
)
"""The requests and how often each comes, in percent."""


def some_operation(chance: random.Random) -> Operation:
    """A request by its frequency."""
    return chance.choices([operation for operation, _ in MIX], [weight for _, weight in MIX])[0]
