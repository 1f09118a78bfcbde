"""The servers that other tests lean on: each promise of `tests.servers` seen on real servers."""

import os
import pwd

import psycopg
import pytest

from console.demo.postgresql.cluster import Cluster
from tests.servers.database import Database


def test_database_is_fresh_owned_by_deploy_and_on_both_servers(database: Database, pg_version: str) -> None:
    database.run("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 10)")
    database.wait_until_replayed()
    assert database.rows("SELECT count(*) FROM t", standby=True) == [(10,)]
    assert database.rows("SELECT pg_is_in_recovery()", standby=True) == [(True,)]
    version = database.rows("SHOW server_version_num")[0][0]
    assert str(int(version) // 10000) == pg_version
    assert database.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
    assert database.rows(
        "SELECT pg_has_role('pg_monitor', 'USAGE'), pg_has_role('pg_signal_backend', 'USAGE')"
    ) == [(True, True)]


def test_next_database_does_not_see_it(database: Database) -> None:
    assert database.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_visitor_may_log_in_and_nothing_else(newest_database: Database) -> None:
    newest_database.run("CREATE TABLE t (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        newest_database.rows("SELECT * FROM t", role="visitor")
    assert newest_database.rows("SELECT pg_has_role('pg_read_all_stats', 'USAGE')", role="visitor") == [
        (False,)
    ]


def test_servers_listen_on_unix_sockets_only(newest_cluster: Cluster) -> None:
    for node in (newest_cluster.primary, newest_cluster.standby):
        with node.connect() as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW data_directory").fetchone() == (str(node.data),)


def test_files_belong_to_whom_the_server_runs_as(newest_cluster: Cluster) -> None:
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    for path in (newest_cluster.primary.data, newest_cluster.standby.data, newest_cluster.primary.sockets):
        found = path.stat()
        assert found.st_uid == expected
        assert found.st_mode & 0o777 == 0o700
    assert newest_cluster.place.directory.stat().st_uid == os.geteuid()


class TestTroubleIsUndone:
    """Each test leaves trouble behind; whichever comes next finds a healthy pair."""

    @pytest.fixture(autouse=True)
    def healthy_at_first(self, cluster: Cluster) -> None:
        cluster.wait_until_replayed(timeout_s=10)
        assert not cluster.replay_paused()
        with cluster.primary.connect() as connection:
            assert connection.execute("SHOW deadlock_timeout").fetchone() == ("1s",)

    def test_replay_paused(self, database: Database) -> None:
        database.cluster.pause_replay()
        database.run("CREATE TABLE unseen (id int)")
        assert database.cluster.replay_paused()

    def test_walreceiver_frozen(self, database: Database) -> None:
        database.cluster.freeze_walreceiver()
        database.run("CREATE TABLE unseen (id int)")
        assert database.rows("SELECT to_regclass('unseen')::text", standby=True) == [(None,)]

    def test_standby_stopped(self, database: Database) -> None:
        database.cluster.standby.stop()
        with pytest.raises(psycopg.OperationalError):
            database.connect_standby()

    def test_log_gone_that_the_standby_needs(self, database: Database) -> None:
        database.cluster.standby.stop()
        with database.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            connection.execute("SELECT pg_reload_conf()")
            for _ in range(5):
                connection.execute("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', 'y')")
                connection.execute("CHECKPOINT")
            assert connection.execute(
                "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'standby1'"
            ).fetchone() == ("lost",)

    def test_settings_altered(self, cluster: Cluster) -> None:
        with cluster.primary.connect() as connection:
            connection.execute("ALTER SYSTEM SET deadlock_timeout = '3s'")
            connection.execute("SELECT pg_reload_conf()")
        with cluster.primary.connect() as connection:
            assert connection.execute("SHOW deadlock_timeout").fetchone() == ("3s",)

    def test_primary_restarted_while_the_standby_is_frozen(self, cluster: Cluster) -> None:
        cluster.freeze_walreceiver()
        before = cluster.primary.pid
        cluster.restart_primary()
        assert cluster.primary.pid != before

    def test_prepared_transaction_and_logical_slot_left(self, database: Database) -> None:
        with database.connect("postgres") as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('left_over', 'pgoutput')")
            connection.execute("BEGIN; CREATE TABLE t (id int); PREPARE TRANSACTION 'left over'")


def test_the_tests_of_one_server_stay_in_one_process(
    request: pytest.FixtureRequest, database: Database, pg_version: str
) -> None:
    """Or each process would start and stop every server in turn, which takes longer than the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ and request.config.getoption("dist") == "loadgroup":
        assert request.node.nodeid.rpartition("@")[2].startswith(f"postgresql-{pg_version}")
