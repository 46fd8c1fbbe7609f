"""Back-up and restore: database and models together, in one file that either database reads."""
