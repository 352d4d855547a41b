"""The database: tables, transactions, and all that reads or writes them. Nothing else imports SQLAlchemy."""
