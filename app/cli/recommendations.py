"""`recommender recommend`."""

from threading import TIMEOUT_MAX
from typing import Annotated

import typer

from app.cli import output
from app.cli.session import open_database, open_store, read_settings
from app.cli.users import as_text


def recommend(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="The user's key.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """Show what the service recommends to a user; the options are those of the API."""
    from app.datasets.repository import imported_dataset
    from app.live.model_reloader import ModelReloader
    from app.live.recency import Recency
    from app.recommendations.service import RecommendationService

    settings = read_settings()
    threshold = settings.like_threshold
    with open_database(settings) as database:
        models = ModelReloader(
            database, open_store(settings), threshold, Recency.of(settings), TIMEOUT_MAX
        )
        models.poll()
        service = RecommendationService(
            database, models.current, threshold, settings.rating_half_life_days
        )
        response = service.recommend(as_text(user), context.obj)
        with database.read() as connection:
            dataset = imported_dataset(connection)
    if as_json:
        output.out.print_json(response.model_dump_json())
    else:
        output.show_recommendations(response, dataset.name if dataset else None)
