"""Web pages for users with a browser, and what all pages share."""
