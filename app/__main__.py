"""The way in: what the `recommender` script and `python -m app` run."""

import gc


def main() -> None:
    """Load the command and run it."""
    # What is imported stays for good: looking for garbage in it takes a tenth of the time.
    gc.disable()
    from app.cli.main import main as run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
