"""Movies: their names, and how popular they are."""
