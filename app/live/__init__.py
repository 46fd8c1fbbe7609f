"""What a running service holds in memory, and how it follows the database."""
