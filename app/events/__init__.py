"""Events: what users did with movies, and what follows for ratings and lists."""
