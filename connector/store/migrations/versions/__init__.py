"""One numbered file per migration, each safe while the previous release still runs."""
