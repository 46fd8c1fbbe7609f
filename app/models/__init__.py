"""Published models: files, their versions, and which is served."""
