"""The demo's database on MySQL and MariaDB: the same shop as on PostgreSQL, made on the server.

`deploy` has all rights in it, `app` what an application needs.
"""

from console.demo.ground import Progress
from console.demo.mysql.link import MySqlLink
from console.demo.mysql.node import SUPERUSER, MySqlNode
from console.demo.shop import CHUNK, NOTES, ROWS, customers_for

DATABASE = "shop"

_TABLES = (
    """
    CREATE TABLE customers (
        id        bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        name      varchar(100) NOT NULL,
        email     varchar(200) NOT NULL,
        country   char(2) NOT NULL,
        joined_on date NOT NULL
    )""",
    """
    CREATE TABLE days (
        day     date NOT NULL PRIMARY KEY,
        holiday varchar(40)
    )""",
    """
    CREATE TABLE orders (
        id          bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        customer_id bigint NOT NULL,
        status      varchar(20) NOT NULL,
        amount      decimal(10, 2) NOT NULL,
        currency    char(3) NOT NULL,
        placed_at   datetime(6) NOT NULL COMMENT 'UTC',
        note        text,
        updated_at  datetime(6) NOT NULL COMMENT 'UTC'
    ) COMMENT = 'one row per purchase'""",
    # Numbers from 0, of which everything else is made; a temporary table can't be named twice in one statement.
    "CREATE TEMPORARY TABLE numbers (n int NOT NULL PRIMARY KEY)",
    "INSERT INTO numbers SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d FROM "
    + ", ".join(
        "(SELECT 0 d" + "".join(f" UNION ALL SELECT {digit}" for digit in range(1, 10)) + f") {name}"
        for name in "abcde"
    ),
)

_DAYS = """
INSERT INTO days (day, holiday)
SELECT d, CASE date_format(d, '%%m-%%d') WHEN '01-01' THEN 'New Year' WHEN '12-25' THEN 'Christmas' END
  FROM (SELECT current_date - INTERVAL 4 YEAR + INTERVAL n DAY AS d FROM numbers
         WHERE n <= datediff(current_date + INTERVAL 3 YEAR, current_date - INTERVAL 4 YEAR)) calendar
 WHERE %(rows)s > 0
"""

# Country and currency follow from a customer's number, so that orders need no join to agree with it.
_CUSTOMERS = """
INSERT INTO customers (id, name, email, country, joined_on)
SELECT n, concat(first, ' ', last), concat(lower(first), '.', lower(last), n, '@example.com'),
       elt(1 + n %% 10, 'DE', 'DE', 'FR', 'GB', 'US', 'US', 'PL', 'SE', 'CH', 'NL'),
       current_date - INTERVAL floor(rand() * 1400) DAY
  FROM (SELECT 1 + n AS n,
               elt(1 + (1 + n) %% 12, 'Ana', 'Björn', 'Chloé', 'Dmitri', 'Emma', 'Farid', 'Greta', 'Hugo', 'Inês',
                   'Jonas', 'Kaja', 'Łukasz') AS first,
               elt(1 + (1 + n) %% 11, 'Abel', 'Becker', 'Costa', 'Dubois', 'Evans', 'Fischer', 'García', 'Haas',
                   'Ito', 'Jensen', 'Novák') AS last
          FROM numbers WHERE n < %(customers)s) names
"""

# Orders come in the order of time, denser towards today, most of them by day; some customers buy far more often.
# The LIMIT keeps each row's chance from being drawn again wherever it is named.
_ORDERS = """
INSERT INTO orders (id, customer_id, status, amount, currency, placed_at, note, updated_at)
SELECT n, customer,
       CASE WHEN luck < 0.01 THEN 'void'
            WHEN luck < 0.04 THEN 'cancelled'
            WHEN luck < 0.06 AND at < utc_timestamp(6) - INTERVAL 9 DAY THEN 'returned'
            WHEN at < utc_timestamp(6) - INTERVAL 6 DAY THEN 'delivered'
            WHEN at < utc_timestamp(6) - INTERVAL 2 DAY THEN 'shipped'
            WHEN luck < 0.7 THEN 'paid'
            ELSE 'placed' END,
       round(exp(3.3 + 1.6 * (rand() + rand() + rand() - 1.5)), 2),
       elt(1 + customer %% 10, 'EUR', 'EUR', 'EUR', 'GBP', 'USD', 'USD', 'PLN', 'SEK', 'CHF', 'EUR'),
       at,
       CASE WHEN luck > 0.88 THEN elt(1 + n %% %(kinds_of_note)s, {notes}) END,
       least(at + INTERVAL floor(rand() * 345600000000) MICROSECOND, utc_timestamp(6))
  FROM (SELECT n, luck, customer, least(at, utc_timestamp(6)) AS at
          FROM (SELECT %(first)s + n AS n, rand() AS luck,
                       1 + floor(%(customers)s * rand() * rand()) AS customer,
                       timestamp(date(utc_timestamp() - INTERVAL
                           floor((1 - pow((%(first)s + n) / %(rows)s, 0.75)) * 94608000) SECOND))
                       + INTERVAL floor((rand() + rand()) * 43200000000) MICROSECOND AS at
                  FROM numbers WHERE n <= %(last)s - %(first)s
                 ORDER BY n LIMIT 1000000) drawn
         LIMIT 1000000) timed
 ORDER BY n
"""

_FINISH = (
    (
        "indexing orders",
        """
        ALTER TABLE orders ADD INDEX orders_customer_id_idx (customer_id, placed_at),
                           ADD INDEX orders_status_placed_at_idx (status, placed_at)""",
    ),
    (
        "checking orders against customers",
        """
        ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey
                           FOREIGN KEY (customer_id) REFERENCES customers (id)""",
    ),
    ("granting", f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO deploy@localhost"),
    ("granting", f"GRANT SELECT ON {DATABASE}.customers TO app@localhost"),
    ("granting", f"GRANT SELECT ON {DATABASE}.days TO app@localhost"),
    ("granting", f"GRANT SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.orders TO app@localhost"),
    ("collecting statistics", "ANALYZE TABLE customers, days, orders"),
)


async def build_shop(
    primary: MySqlNode, *, rows: int = ROWS, progress: Progress, logged: bool = False
) -> None:
    """Make the database `shop` with `rows` orders on a running primary that has the roles.

    Reports rows made of `rows`. `logged`: for replicas that are there already.
    """
    link = await MySqlLink.open(primary.socket, SUPERUSER, "", "shop")
    try:
        await link.run(f"SET SESSION sql_log_bin = {int(logged)}")
        await link.run(
            "SET SESSION rand_seed1 = 42, rand_seed2 = 4242"
        )  # the same each time, apart from the date
        # Customers and orders are made to agree, so nothing is checked row by row.
        await link.run("SET SESSION foreign_key_checks = 0, unique_checks = 0")
        await link.run(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        await link.run(f"USE {DATABASE}")
        await _fill(link, rows, progress)
    finally:
        await link.close()


async def _fill(link: MySqlLink, rows: int, progress: Progress) -> None:
    customers = customers_for(rows)
    progress("making customers and a calendar", 0, rows)
    for statement in _TABLES:
        await link.run(statement)
    values = {"rows": rows, "customers": customers, "kinds_of_note": len(NOTES)}
    notes = {f"note{number}": note for number, note in enumerate(NOTES)}
    orders = _ORDERS.format(notes=", ".join(f"%({name})s" for name in notes))
    await link.run(_DAYS, values)
    await link.run(_CUSTOMERS, values)
    for first in range(1, rows + 1, CHUNK):
        progress("making orders", first - 1, rows)
        chunk = {"first": first, "last": min(first + CHUNK - 1, rows)}
        await link.run(orders, {**values, **notes, **chunk})
    for text, statement in _FINISH:
        progress(text, rows, rows)
        await link.run(statement)
