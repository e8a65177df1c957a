"""Tables: the one set of SQLAlchemy Core tables."""
