"""Asks whether the service of this container is ready, or with `database` whether that is reached.

Exits with 1, and one line, where it is not.
"""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_S = 3


def service() -> str | None:
    """Return what is wrong with the service."""
    port = os.environ.get("RECOMMENDER_PORT", "8000")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/health/ready")
    names = os.environ.get("RECOMMENDER_ALLOWED_HOSTS", "").split(",")
    if names[0].strip():
        # Where the service answers under its own names alone, 127.0.0.1 is none of them.
        request.add_header("Host", names[0].strip())
    try:
        # Without the proxies that the environment may name: this is our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code}: {error.read(1000).decode(errors='replace')}"
    except OSError as error:
        return f"no answer: {error}"


def database() -> str | None:
    """Return what is wrong with the database of the environment, a PostgreSQL server."""
    import psycopg  # noqa: PLC0415 (the service is asked without it)

    file = os.environ.get("RECOMMENDER_DATABASE_PASSWORD_FILE")
    address = os.environ["RECOMMENDER_DATABASE_URL"].replace("+psycopg", "", 1)
    try:
        password = Path(file).read_text(encoding="utf-8").strip() if file else None
        with psycopg.connect(address, password=password, connect_timeout=TIMEOUT_S):
            return None
    except (OSError, psycopg.Error) as error:
        return " ".join(str(error).split())


def main() -> int:
    """Ask, and print what is wrong."""
    reason = database() if "database" in sys.argv[1:] else service()
    if reason is not None:
        print(reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
