"""Asks the service of this container whether it is ready; exits with 1 where it is not."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3


def main() -> int:
    """Ask, and print what is wrong."""
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
            return 0
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read(1000).decode(errors='replace')}")
    except OSError as error:
        print(f"no answer: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
