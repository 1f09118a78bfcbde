"""What the demo has for PostgreSQL: programs, servers, the shop, and how an application reaches it."""
