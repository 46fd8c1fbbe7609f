"""A page of a list, and the cursor of the next one."""

from __future__ import annotations

import json
import secrets
from hashlib import blake2b
from typing import Any

from app.feedback.identity import encode
from app.http import cursors
from app.http.cursors import CursorExpiredError
from app.live.snapshot import Source
from app.ratings.repository import UserRatings
from app.recommendations.building import Wishes, build
from app.recommendations.history import History
from app.recommendations.options import MAX_SEED, Options
from app.recommendations.plan import Plan
from app.recommendations.ranking import Ranking
from app.recommendations.schemas import Reason, Recommendations, RecommendationsCursor
from data.movie_keys import movie_id

# Neither the length of a page nor its reasons change the list; the seed is in the cursor.
LIST_OPTIONS = set(Options.model_fields) - {"limit", "explain", "seed"}


def page(
    plan: Plan,
    user: str | None,
    history: History,
    options: Options,
    cursor: RecommendationsCursor | None,
    at: int,
) -> Recommendations:
    """Return the page at a cursor, the first one without; `at` is the moment of the list."""
    wishes = Wishes(_diversity(plan, options), _seed(options, cursor), at)
    compiled = plan.compiled().filtered(options)
    ranking, reason = build(plan, compiled, user, history, wishes)
    request = _request_digest(user, history.ratings, options)

    def cursor_at(position: int) -> RecommendationsCursor:
        return RecommendationsCursor(
            model=plan.snapshot.version,
            revision=history.ratings.revision if history.ratings else 0,
            request=request,
            state=_state(plan, history, ranking.state_at(position)),
            position=position,
            seed=wishes.seed,
            at=at if plan.is_timed else None,
        )

    begin = 0
    if cursor:
        begin = cursor.position
        _check(cursor, cursor_at(begin), "query" if user is not None else "body")
    end = begin + options.limit
    return Recommendations(
        **head(plan, user, ranking, reason),
        seed=wishes.seed,
        draw=ranking.model_section.draw if ranking.model_section else None,
        items=ranking.page(begin, options.limit, options.explain),
        next=cursor_at(end).encode() if ranking.reaches(end) else None,
        ignored_genres=plan.snapshot.facets.unknown_genres(options),
    )


def head(plan: Plan, user: str | None, ranking: Ranking, reason: Reason | None) -> dict[str, Any]:
    """Return the fields of a list that say where it comes from."""
    return {
        "user": user,
        "recommendation_id": encode(plan.snapshot.rules.secret, user, plan.origin),
        "model": plan.snapshot.version,
        "scenario": plan.requested,
        "experiment": plan.experiment,
        "arm": plan.arm,
        "source": ranking.sections[0].source if ranking.sections else Source.POPULAR,
        "reason": reason,
    }


def _diversity(plan: Plan, options: Options) -> float:
    """Return the diversity of the request, that of the scenario where it says none."""
    if "diversity" in options.model_fields_set:
        return options.diversity
    return plan.definition.diversity


def _seed(options: Options, cursor: RecommendationsCursor | None) -> int | None:
    """Return the seed of a Gibbs sample: that of the request, of the page before, or a new one."""
    if options.mode != "sample":
        return None
    if options.seed is not None:
        return options.seed
    if cursor:
        return cursor.seed
    return secrets.randbelow(MAX_SEED + 1)


def _check(sent: RecommendationsCursor, current: RecommendationsCursor, where: str) -> None:
    if (sent.request, sent.seed) != (current.request, current.seed):
        raise cursors.malformed(where)
    if sent != current:
        raise CursorExpiredError


def _state(plan: Plan, history: History, state: str) -> str:
    """Add what rules and feedback decide to the state of a ranking, if they decide anything."""
    if not state or not (plan.state or history.state):
        return state
    whole = f"{state}|{plan.state}|{history.state}"
    return blake2b(whole.encode(), digest_size=9).hexdigest()


def _request_digest(user: str | None, user_ratings: UserRatings | None, options: Options) -> str:
    """Identify the request without its contents: a cursor may end up in a log."""
    asked = options.model_dump(include=LIST_OPTIONS, exclude_defaults=True)
    if options.scenario is not None and "diversity" in options.model_fields_set:
        asked["diversity"] = options.diversity  # in place of that of the scenario, 0 too
    for name in ("genre", "exclude_genre"):
        if name in asked:
            asked[name] = sorted({genre.casefold() for genre in asked[name]})
    if "exclude" in asked:
        asked["exclude"] = sorted({movie_id(key) for key in asked["exclude"]})
    if "attribute" in asked:
        asked["attribute"] = sorted(set(asked["attribute"]))
    digest = blake2b(json.dumps([user, asked]).encode(), digest_size=9)
    if user is None and user_ratings is not None:
        digest.update(user_ratings.movie_ids.astype("<i8").tobytes() + user_ratings.liked.tobytes())
    return digest.hexdigest()
