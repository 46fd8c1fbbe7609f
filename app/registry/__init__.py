"""Published models: recorded, activated, rolled back, removed, exported and imported."""
