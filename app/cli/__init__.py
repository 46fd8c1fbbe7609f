"""The `recommender` command, a file for each group of subcommands."""
