"""The web service, its database, its batch jobs and the command line."""
