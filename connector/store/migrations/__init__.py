"""The way of the tables from release to release; see `store/migrate.py`."""
