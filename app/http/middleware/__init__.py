"""Middleware, in bare ASGI: Starlette's base class costs more than a cached response."""
