"""PostgreSQL 12 and later: the protocol of `console.databases.base`, fulfilled with psycopg.

`inspect` and `preflight` look before anything is touched; `statements` writes the plan; `worker` carries it out, batch
by batch; `watcher` takes the readings; `evidence` proves.
"""
