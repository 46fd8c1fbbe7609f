"""The audit log: read over HTTP and shown to operators; `app.db.audit` adds to it."""
