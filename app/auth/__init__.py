"""Authentication and rate limits: API keys, scopes, limiter, client addresses."""
