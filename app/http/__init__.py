"""HTTP: request models, errors, cursors, middleware, and the routes about the service itself."""
