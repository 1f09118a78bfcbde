"""The application on a real database: what it does, in each version, and what it says of itself."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from console.demo import figures
from console.demo.errors import DemoError
from console.demo.link import Refused
from console.demo.operations import MIX, VERSIONS, Knowledge, Operation, place_order, read_list
from console.demo.traffic import Traffic
from tests.demo.shops import Shop

WITHOUT_DAY = "SELECT count(*) FROM orders WHERE placed_on IS NULL AND id > {0}"


@pytest.fixture
async def traffic(shop: Shop, tmp_path: Path) -> AsyncIterator[Traffic]:
    """The application at work, at 200 requests a second on 12 connections."""
    application = Traffic(shop.connect, shop.dialect, tmp_path / figures.FILE, rate=200, connections=12)
    running = asyncio.create_task(application.run())
    yield application
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / figures.FILE


async def until(look: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Look until it is true, and let the application work meanwhile."""
    try:
        async with asyncio.timeout(timeout_s):
            while not look():  # noqa: ASYNC110  (what is waited for happens in the database)
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not seen within {timeout_s:.0f} s: {what}")


async def next_figures(path: Path) -> figures.Figures:
    """Figures of a second that has begun after this call."""
    before = figures.read(path)
    seen: list[float] = [before.at] if before else []

    def fresh() -> bool:
        now = figures.read(path)
        if now is not None and now.at not in seen:
            seen.append(now.at)
        return len(seen) >= 3

    await until(fresh, "two new lots of figures")
    current = figures.read(path)
    assert current is not None
    return current


async def change(shop: Shop, statement: str) -> None:
    """Run DDL beside the application, not in its way: it may wait for a transaction that this loop must finish."""
    await asyncio.to_thread(shop.run, statement)


def count(shop: Shop, query: str) -> int:
    number: int = shop.rows(query)[0][0]
    return number


async def test_it_reads_inserts_updates_and_deletes(shop: Shop, traffic: Traffic, published: Path) -> None:
    def done() -> bool:
        # What the shop began with was updated within four days after the purchase.
        ((newest, there, updated),) = shop.rows("""
            SELECT max(id), count(*), sum(CASE WHEN updated_at > placed_at + INTERVAL '5' DAY THEN 1 ELSE 0 END)
              FROM orders
        """)
        return bool(newest > 3_000 and there < newest and updated)

    await until(done, "all kinds of requests")
    current = await next_figures(published)
    assert current.version == "v1"
    assert current.target_tps == 200
    assert current.tps > 0
    assert 0 < current.p50_ms <= current.p95_ms <= current.p99_ms <= current.max_ms
    assert (current.errors, current.last_error) == (0, "")


async def test_it_names_its_version_to_the_server(shop: Shop, traffic: Traffic) -> None:
    await until(lambda: "shop v1" in shop.names(), "sessions of v1")
    traffic.deploy("v2")
    await until(lambda: shop.names() == {"shop v2", "shop health check"}, "sessions of v2 alone")


async def test_v1_ignores_the_column_v2_writes_it_v3_reads_it(
    shop: Shop, traffic: Traffic, published: Path
) -> None:
    await until(lambda: count(shop, "SELECT max(id) FROM orders") > 3_000, "inserts of v1")
    await change(shop, "ALTER TABLE orders ADD COLUMN placed_on date")
    border = count(shop, "SELECT max(id) FROM orders")
    await until(
        lambda: count(shop, "SELECT max(id) FROM orders") > border + 20, "inserts with the column there"
    )
    assert count(shop, "SELECT count(placed_on) FROM orders") == 0

    traffic.deploy("v2")
    await until(
        lambda: count(shop, "SELECT count(placed_on) FROM orders WHERE id > 3000") > 0, "inserts of v2"
    )
    await until(
        lambda: count(shop, "SELECT count(placed_on) FROM orders WHERE id <= 3000") > 0, "updates of v2"
    )
    wrong = f"SELECT count(*) FROM orders WHERE placed_on <> {shop.dialect.day}"
    border = count(shop, "SELECT max(id) FROM orders")
    await until(lambda: count(shop, "SELECT max(id) FROM orders") > border + 20, "more inserts of v2")
    assert count(shop, wrong) == 0
    assert count(shop, WITHOUT_DAY.format(border)) == 0

    # The first look makes an index, which waits for transactions that this loop must finish.
    assert not await asyncio.to_thread(shop.reads_of_day)
    traffic.deploy("v3")
    await until(shop.reads_of_day, "reads by the new column")
    assert (await next_figures(published)).errors == 0


async def test_the_column_goes_while_it_is_used_and_comes_back(
    shop: Shop, traffic: Traffic, published: Path
) -> None:
    """A roll-back under a deployed application: a few requests fail, then it does without."""
    await change(shop, "ALTER TABLE orders ADD COLUMN placed_on date")
    traffic.deploy("v3")
    await until(lambda: count(shop, "SELECT count(placed_on) FROM orders") > 0, "writes of the column")
    await change(shop, "ALTER TABLE orders DROP COLUMN placed_on")
    await next_figures(published)
    settled = await next_figures(published)
    later = await next_figures(published)
    assert later.errors == settled.errors
    assert later.tps > 0
    await change(shop, "ALTER TABLE orders ADD COLUMN placed_on date")
    await until(lambda: count(shop, "SELECT count(placed_on) FROM orders") > 0, "writes of the new one")


async def test_it_survives_a_restart_of_the_server(shop: Shop, traffic: Traffic, published: Path) -> None:
    await next_figures(published)
    shop.restart()
    await until(lambda: (figures.read(published) or _NONE).errors > 0, "requests that failed")
    border = count(shop, "SELECT max(id) FROM orders")
    await until(lambda: count(shop, "SELECT max(id) FROM orders") > border + 10, "inserts after the restart")
    settled = await next_figures(published)
    assert settled.last_error != ""
    assert "\n" not in settled.last_error
    assert (await next_figures(published)).errors == settled.errors


async def test_it_survives_the_killing_of_all_its_sessions(
    shop: Shop, traffic: Traffic, published: Path
) -> None:
    await next_figures(published)
    killed = shop.end_sessions()
    assert killed > 1
    border = count(shop, "SELECT max(id) FROM orders")
    await until(lambda: count(shop, "SELECT max(id) FROM orders") > border + 10, "inserts on new sessions")


async def test_a_stall_shows_while_it_lasts(shop: Shop, traffic: Traffic, published: Path) -> None:
    """All connections wait for a lock: latencies grow with the requests that wait, though none is answered."""
    await next_figures(published)
    with contextlib.ExitStack() as locked:
        # Which may wait for this loop's transactions.
        await asyncio.to_thread(locked.enter_context, shop.locked())
        await next_figures(published)
        during = await next_figures(published)
        waiting = shop.waiting()
    assert waiting == 12, "every connection of the application"
    assert during.tps == 0
    assert during.waiting > 12
    assert during.max_ms > 1000
    assert during.errors == 0
    await until(lambda: (figures.read(published) or _NONE).waiting < 12, "the queue worked off")


async def test_a_burst_brings_more_and_ends(shop: Shop, traffic: Traffic, published: Path) -> None:
    assert traffic.rate == 200
    traffic.burst(3, 60)
    assert (await next_figures(published)).target_tps == 600
    traffic.burst(1, 0)
    assert not traffic.bursting
    assert traffic.rate == 200


async def test_it_knows_its_versions(shop: Shop, tmp_path: Path) -> None:
    application = Traffic(shop.connect, shop.dialect, tmp_path / figures.FILE)
    with pytest.raises(DemoError, match="has no version v4: take one of v1, v2, v3"):
        application.deploy("v4")
    assert application.version == VERSIONS[0]


@pytest.mark.parametrize(("operation", "name"), [(operation, operation.__name__) for operation, _ in MIX])
@pytest.mark.parametrize("version", VERSIONS)
async def test_each_request_of_each_version_runs(
    shop: Shop, operation: Operation, name: str, version: str
) -> None:
    if version != "v1":
        await change(shop, "ALTER TABLE orders ADD COLUMN placed_on date")
    link = await shop.connect("shop")
    known = Knowledge(random.Random(name + version), shop.dialect)
    known.version = version
    await known.learn(link)
    assert known.has_new_column == (version != "v1")
    assert known.newest_order == 3_000
    for _ in range(40):
        await operation(link, known)
    await link.close()


async def test_an_order_of_v2_carries_its_day_and_of_v1_does_not(shop: Shop) -> None:
    await change(shop, "ALTER TABLE orders ADD COLUMN placed_on date")
    link = await shop.connect("shop")
    known = Knowledge(random.Random(1), shop.dialect)
    await known.learn(link)
    for version in VERSIONS:
        known.version = version
        await place_order(link, known)
    await read_list(link, known)
    await link.close()
    written = shop.rows(f"SELECT placed_on = {shop.dialect.day} FROM orders WHERE id > 3000 ORDER BY id")
    assert written == [(None,), (True,), (True,)]


async def test_a_connection_says_what_was_refused_and_whether_it_is_of_use(shop: Shop) -> None:
    link = await shop.connect("shop")
    with pytest.raises(Refused) as unknown:
        await link.rows("SELECT no_such_column FROM orders")
    assert unknown.value.unknown_column
    with pytest.raises(Refused) as wrong:
        await link.run("SELECT FROM WHERE")
    assert not wrong.value.unknown_column
    assert "\n" not in str(wrong.value)
    assert not link.closed
    assert await link.rows("SELECT %s + 1, %s", [1, "x"]) == [(2, "x")]
    await link.close()


async def test_a_connection_whose_session_was_ended_is_closed(shop: Shop) -> None:
    link = await shop.connect("shop")
    await asyncio.to_thread(shop.end_sessions)
    with pytest.raises(Refused):
        await link.rows("SELECT 1")
    assert link.closed
    await link.close()


async def test_an_idle_connection_notices_that_somebody_ended_it(shop: Shop) -> None:
    link = await shop.connect("shop")
    await link.wait_until_gone(0.01)
    assert not link.closed
    waiting = asyncio.create_task(link.wait_until_gone(600))
    await asyncio.to_thread(shop.end_sessions)
    with pytest.raises(Refused):
        await waiting
    await link.close()


async def test_closing_ends_what_runs(shop: Shop) -> None:
    link = await shop.connect("shop")
    running = asyncio.create_task(link.run(f"SELECT {shop.dialect.sleep}", [600]))
    await until(lambda: shop.running("sleep"), "the statement running")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await link.close()
    await until(lambda: not shop.running("sleep"), "the statement gone")


_NONE = figures.Figures(
    at=0,
    version="",
    tps=0,
    target_tps=0,
    waiting=1000,
    p50_ms=0,
    p95_ms=0,
    p99_ms=0,
    max_ms=0,
    errors=0,
    last_error="",
)
