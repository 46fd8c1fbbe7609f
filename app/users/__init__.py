"""Users: listed, exported, erased."""
