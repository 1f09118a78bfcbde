"""What the demo has for MySQL and MariaDB: programs, servers, the shop, and what an application asks of it."""
