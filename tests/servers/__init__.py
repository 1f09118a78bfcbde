"""Real database servers for tests: a primary with a streaming standby, per version, started when asked for.

Fixtures (all exported by `tests/conftest.py`; ask for one by its name):

`database`
    A `tests.servers.database.Database`: a fresh, empty database on a healthy pair, dropped afterwards. The
    test runs once on PostgreSQL 18 (the wheel) and once on 15 (Debian's). Its addresses are strings that
    psycopg takes:

    - `database.url()` on the primary as `deploy`, who owns the database and its schema `public`, is a member
      of pg_monitor and pg_signal_backend, and is no superuser; `database.url("app")`: the application,
      without grants; `database.url("visitor")`: a login without any right;
      `database.url("postgres")`: the superuser;
    - `database.standby_url(...)`, the same on the standby;
    - `database.connect(role)` and `database.connect_standby(role)`: a psycopg connection in autocommit;
    - `database.run("CREATE TABLE ...; ...", role="deploy")`; `database.rows("SELECT ...", role="deploy")`;
    - `database.wait_until_replayed()`: the standby has everything that the primary wrote until now;
    - `database.cluster`: the pair underneath.

`cluster`
    The `console.demo.postgresql.cluster.Cluster` underneath, on both versions: `primary` and `standby` (each with
    `start()`, `stop()`, `connect()`), `pause_replay()`, `resume_replay()`, `freeze_walreceiver()`,
    `thaw_walreceiver()`, `restart_primary()`. Do with it what you like: after each test everything is undone
    by `cluster.heal()`, ALTER SYSTEM included.

`newest_database`, `newest_cluster`
    The same on PostgreSQL 18 alone, for what does not depend on the version.

`pg_version`
    "18" or "15", to tell them apart in a test that uses `database` or `cluster`.

`mysql_database`
    A `tests.servers.mysql_database.MySqlDatabase`: a fresh, empty database on a healthy primary with a GTID
    replica, dropped afterwards. The test runs once on MySQL (Debian unstable's, 9.x) and once on MariaDB
    (bookworm's, 10.11), or on what is found on PATH. Sessions come by unix socket, without a password:

    - `mysql_database.url()` on the primary as `deploy`, who has all rights in the database, and on the server
      what a change needs: to see and to end other sessions, to read performance_schema and sys, to see
      replication; `url("app")`: the application, which reads and writes; `url("visitor")`: a login without
      any right; `url("root")`: the superuser;
    - `mysql_database.replica_url(...)`, the same on the replica;
    - `connect(role, **pymysql)` and `connect_replica(role, **pymysql)`: a PyMySQL connection in autocommit;
    - `run("CREATE TABLE ...; ...", role="deploy")`; `rows("SELECT ...", role="deploy", replica=False)`;
    - `wait_until_replayed()`: the replica has everything that the primary wrote until now;
    - `mysql_database.family`; `mysql_database.cluster`: the pair underneath.

`mysql_cluster`
    The `console.demo.mysql.cluster.MySqlCluster` underneath: `primary` and `replica` (each with `start()`,
    `stop()`, `connect()`, `rows()`, `port`, `freeze()` and `thaw()`: SIGSTOP and SIGCONT),
    `stop_applier()`, `start_applier()`, `stop_receiver()`, `start_receiver()`, `restart_primary()`, `family`
    (a `console.databases.mysql.families.Family`). Do with it what you like: after each test everything is
    undone by `heal()`: settings (SET GLOBAL, SET PERSIST), accounts that were made, plugins, instruments and
    consumers, replication; a replica that can't go on is copied anew. All databases are dropped. The rights of
    `deploy`, `app` and `visitor` are not put back: make accounts of your own to test rights.

`mysql_family`
    "mysql" or "mariadb", to tell them apart in a test that uses `mysql_database` or `mysql_cluster`.

A test that uses any of them gets the marker `server`. In each test process runs at most one pair of PostgreSQL
and one of MySQL or MariaDB at a time, so a test can't hold two versions or both families. A missing server fails
the test with the command that gets it, unless `COLUMN_CONSOLE_LEAVE_OUT` (words separated by commas) names it:
`postgresql-18`, `postgresql-15`, `mysql`, `mariadb`.
"""
