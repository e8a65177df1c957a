"""Store (状态库): everything that permits an action, in SQLite or PostgreSQL."""
