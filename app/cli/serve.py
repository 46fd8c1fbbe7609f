"""`recommender serve`."""

import gc
from typing import Annotated

import typer

from app.cli.intervals import seconds
from app.cli.session import limit_blas_threads, open_database, read_settings
from app.core.memory import limit_arenas

Port = Annotated[
    int | None,
    typer.Option(help="Port to serve on; 0 takes a free one.", show_default="RECOMMENDER_PORT"),
]


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to serve on.", show_default="RECOMMENDER_HOST")
    ] = None,
    port: Port = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that answer requests.", show_default="RECOMMENDER_WORKERS"),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve a network although there is no API key.")
    ] = False,
    wait: Annotated[
        str | None,
        typer.Option(
            help="Wait so long, such as 90s or 15m, for a database that is away or not prepared."
        ),
    ] = None,
) -> None:
    """Serve the API."""
    gc.disable()  # until it serves: what is loaded by then stays for good
    if wait is not None:
        from app.cli.waiting import wait_for_database

        wait_for_database(seconds(wait, "--wait"))
    settings = read_settings(host=host, port=port, workers=workers, insecure=insecure or None)
    limit_blas_threads(settings.scoring_threads)
    limit_arenas()
    from app.cli.http_server import listening_socket, serve_on
    from app.cli.startup_checks import check_models_folder, guard_access
    from app.http.guide import read_guide

    read_guide(settings.guide_dir)
    with open_database(settings) as database:
        guard_access(settings, database)
        check_models_folder(settings, database)
    with listening_socket(settings) as socket:
        serve_on(socket, settings)
