"""People, known by opaque keys."""
