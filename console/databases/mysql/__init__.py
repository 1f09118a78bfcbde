"""MySQL 8 and later and MariaDB 10.6 and later: the protocol of `console.databases.base`, fulfilled with PyMySQL.

PyMySQL blocks, so each connection lives on a thread of its own (`lane`). Where the two families, or their versions,
differ, `families` says how. `statements` writes the plan; `worker` carries it out, batch by batch; `watcher` takes
the readings; `evidence` proves.
"""
