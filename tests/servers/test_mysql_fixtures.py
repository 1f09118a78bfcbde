"""The MySQL and MariaDB servers that other tests lean on: each promise of `tests.servers` seen on real servers."""

import os
import pwd
import socket

import pymysql
import pytest

from console.demo.errors import DemoError
from console.demo.mysql.cluster import MySqlCluster
from tests.servers.mysql_database import MySqlDatabase

STAGES = "SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'events_stages_current'"


def test_database_is_fresh_and_on_both_servers(mysql_database: MySqlDatabase, mysql_family: str) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
    mysql_database.wait_until_replayed()
    assert mysql_database.rows("SELECT count(*) FROM t", replica=True) == [(2,)]
    assert mysql_database.rows("SELECT @@read_only", replica=True) == [(1,)]
    ((version,),) = mysql_database.rows("SELECT VERSION()")
    assert ("MariaDB" in version) == (mysql_family == "mariadb")
    assert mysql_database.family == mysql_family


def test_next_database_does_not_see_it(mysql_database: MySqlDatabase) -> None:
    assert mysql_database.rows("SHOW TABLES") == []
    assert len(mysql_database.rows("SHOW DATABASES LIKE 'test%'")) == 1


def test_deploy_sees_and_ends_other_sessions_and_is_no_superuser(mysql_database: MySqlDatabase) -> None:
    with mysql_database.connect("app") as other, other.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        ((number,),) = cursor.fetchall()
        seen = f"SELECT user FROM information_schema.processlist WHERE id = {number}"
        assert mysql_database.rows(seen) == [("app",)]
        mysql_database.run(f"KILL {number}")
        with pytest.raises(pymysql.OperationalError):
            cursor.execute("SELECT 1")
    assert mysql_database.rows("SELECT count(*) > 0 FROM performance_schema.threads") == [(1,)]
    assert mysql_database.rows(mysql_database.cluster.family.replica_status, replica=True)
    with pytest.raises(pymysql.OperationalError):
        mysql_database.run("CREATE USER somebody")


def test_deploy_may_make_triggers_and_app_may_read_and_write(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY, n int)")
    mysql_database.run("CREATE TRIGGER t_n BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 7")
    mysql_database.run("INSERT INTO t (id) VALUES (1)", role="app")
    assert mysql_database.rows("SELECT id, n FROM t", role="app") == [(1, 7)]
    with pytest.raises(pymysql.OperationalError):
        mysql_database.run("ALTER TABLE t ADD COLUMN m int", role="app")


def test_visitor_may_log_in_and_nothing_else(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int)")
    with pytest.raises(pymysql.OperationalError):
        mysql_database.rows("SELECT * FROM t", role="visitor")
    with mysql_database.cluster.primary.connect("visitor") as link:
        assert link.open


def test_nobody_comes_in_by_tcp_without_a_password(mysql_cluster: MySqlCluster) -> None:
    for node in (mysql_cluster.primary, mysql_cluster.replica):
        for role in ("root", "deploy", "app", "visitor", "repl", ""):
            with pytest.raises((pymysql.OperationalError, RuntimeError)):
                pymysql.connect(host="127.0.0.1", port=node.port, user=role, ssl_disabled=True)
        assert node.rows("SELECT @@bind_address") == [("127.0.0.1",)]
        assert node.socket.parent.stat().st_mode & 0o777 == 0o700


def test_files_belong_to_whom_the_server_runs_as(mysql_cluster: MySqlCluster) -> None:
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    for node in (mysql_cluster.primary, mysql_cluster.replica):
        assert node.rows("SELECT @@datadir") == [(f"{node.data}/",)]
        assert {path.stat().st_uid for path in node.data.iterdir() if path.name != "#innodb_temp"} == {
            expected
        }


class TestTroubleIsUndone:
    """Each test leaves trouble behind; whichever comes next finds a healthy pair."""

    @pytest.fixture(autouse=True)
    def healthy_at_first(self, mysql_cluster: MySqlCluster) -> None:
        mysql_cluster.wait_until_replayed(timeout_s=10)
        assert not mysql_cluster.applier_stopped()
        for node in (mysql_cluster.primary, mysql_cluster.replica):
            assert node.rows("SELECT @@GLOBAL.innodb_lock_wait_timeout") == [(50,)]
            assert node.rows("SELECT User FROM mysql.user WHERE User LIKE 'some%'") == []
            assert node.rows(STAGES) == [("NO",)]
        assert mysql_cluster.replica.rows("SELECT @@read_only") == [(1,)]

    def test_applier_stopped(self, mysql_database: MySqlDatabase) -> None:
        mysql_database.cluster.stop_applier()
        mysql_database.run("CREATE TABLE unseen (id int)")
        assert mysql_database.cluster.applier_stopped()
        assert mysql_database.rows("SHOW TABLES", replica=True) == []

    def test_receiver_stopped(self, mysql_database: MySqlDatabase) -> None:
        mysql_database.cluster.stop_receiver()
        mysql_database.run("CREATE TABLE unseen (id int)")
        assert mysql_database.cluster.replication()["Replica_IO_Running"] == "No"

    def test_replica_frozen(self, mysql_database: MySqlDatabase) -> None:
        mysql_database.cluster.replica.freeze()
        mysql_database.run("CREATE TABLE unseen (id int)")
        # It accepts, by its kernel, and says nothing.
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(0.3)
            link.connect(str(mysql_database.cluster.replica.socket))
            with pytest.raises(TimeoutError):
                link.recv(1)

    def test_replica_stopped(self, mysql_database: MySqlDatabase) -> None:
        mysql_database.cluster.replica.stop()
        mysql_database.run("CREATE TABLE unseen (id int)")
        with pytest.raises(pymysql.OperationalError):
            mysql_database.connect_replica()

    def test_settings_altered(self, mysql_cluster: MySqlCluster) -> None:
        for node in (mysql_cluster.primary, mysql_cluster.replica):
            node.rows("SET GLOBAL innodb_lock_wait_timeout = 7")
            node.rows(
                "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'events_stages_current'"
            )
            assert node.rows("SELECT @@GLOBAL.innodb_lock_wait_timeout") == [(7,)]
        mysql_cluster.primary.rows("SET GLOBAL read_only = ON")

    def test_accounts_made(self, mysql_cluster: MySqlCluster) -> None:
        mysql_cluster.primary.rows("CREATE USER somebody")
        mysql_cluster.wait_until_replayed()

    def test_replica_written_to_so_that_it_breaks(self, mysql_database: MySqlDatabase) -> None:
        cluster = mysql_database.cluster
        mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
        cluster.wait_until_replayed()
        if not cluster.family.mariadb:
            cluster.replica.rows("SET GLOBAL super_read_only = OFF")
        cluster.replica.run_all(f"INSERT INTO {mysql_database.name}.t VALUES (1)")
        mysql_database.run("INSERT INTO t VALUES (1)")
        with pytest.raises(DemoError, match=r"has not applied .*: .*(error|Duplicate)"):
            cluster.wait_until_replayed(timeout_s=2)

    def test_primary_restarted(self, mysql_database: MySqlDatabase) -> None:
        before = mysql_database.cluster.primary.pid
        mysql_database.run("CREATE TABLE t (id int)")
        mysql_database.cluster.restart_primary()
        assert mysql_database.cluster.primary.pid != before
        assert mysql_database.rows("SHOW TABLES") == [("t",)]

    def test_primary_killed(self, mysql_database: MySqlDatabase) -> None:
        mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
        mysql_database.cluster.primary.stop(at_once=True)
        with pytest.raises(pymysql.OperationalError):
            mysql_database.connect()
