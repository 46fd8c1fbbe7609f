"""The database: engine and unit of work, tables, schema upgrades, shared queries."""
