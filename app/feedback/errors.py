"""Errors about feedback."""

from app.core.errors import AppError


class FeedbackConflictError(AppError, status=409):
    """Other feedback has this `feedback_id`: an id names one thing for ever."""

    message = "Other feedback has the id {feedback_id!r}; take a new id for new feedback."
    sample = {"feedback_id": "view-1007-2959"}


class RecommendationIdError(AppError, status=422):
    """This `recommendation_id` was not given to this user by this service."""

    message = (
        "The recommendation_id is not one that this service gave to {whom}: send it as it came, "
        "with the user of the list."
    )
    sample = {"whom": "this user"}
