"""The files of the models: a folder, or a remote store of which copies are kept here."""
