"""Contains all the data models used in inputs/outputs"""

from .activated_model import ActivatedModel
from .active_model import ActiveModel
from .anonymous_feature import AnonymousFeature
from .anonymous_features import AnonymousFeatures
from .anonymous_features_request import AnonymousFeaturesRequest
from .anonymous_recommendations import AnonymousRecommendations
from .anonymous_request import AnonymousRequest
from .anonymous_request_mode import AnonymousRequestMode
from .batch_request import BatchRequest
from .batch_request_mode import BatchRequestMode
from .because import Because
from .bulk_ratings_request import BulkRatingsRequest
from .card import Card
from .error_body import ErrorBody
from .error_code import ErrorCode
from .event import Event
from .event_kind import EventKind
from .event_result import EventResult
from .event_result_status import EventResultStatus
from .event_results import EventResults
from .events_page import EventsPage
from .events_request import EventsRequest
from .failure import Failure
from .feature import Feature
from .feature_genre import FeatureGenre
from .feature_movie import FeatureMovie
from .feature_source import FeatureSource
from .field_error import FieldError
from .figures import Figures
from .found_movies import FoundMovies
from .genre_count import GenreCount
from .genre_list import GenreList
from .get_events_kind_item import GetEventsKindItem
from .get_movies_sort import GetMoviesSort
from .get_recommendations_mode import GetRecommendationsMode
from .imported_model import ImportedModel
from .invalid_request_body import InvalidRequestBody
from .like_rating import LikeRating
from .likeness import Likeness
from .listed_movie import ListedMovie
from .listed_user import ListedUser
from .live import Live
from .model import Model
from .model_features import ModelFeatures
from .model_summary import ModelSummary
from .models import Models
from .movie import Movie
from .movie_attributes import MovieAttributes
from .movie_changes import MovieChanges
from .movie_changes_attributes import MovieChangesAttributes
from .movie_like_rating import MovieLikeRating
from .movie_request import MovieRequest
from .movie_request_attributes import MovieRequestAttributes
from .movie_stars_rating import MovieStarsRating
from .movies_page import MoviesPage
from .new_movie import NewMovie
from .new_movie_attributes import NewMovieAttributes
from .outcome import Outcome
from .plain_event import PlainEvent
from .plain_event_kind import PlainEventKind
from .prediction import Prediction
from .progress import Progress
from .public_rating import PublicRating
from .public_ratings import PublicRatings
from .rated_event import RatedEvent
from .rating import Rating
from .rating_implied_by import RatingImpliedBy
from .rating_result import RatingResult
from .rating_result_status import RatingResultStatus
from .rating_results import RatingResults
from .ratings_page import RatingsPage
from .ready import Ready
from .ready_degraded_type_0 import ReadyDegradedType0
from .reason import Reason
from .received_weight import ReceivedWeight
from .recommendations import Recommendations
from .recommendations_batch import RecommendationsBatch
from .recommended_movie import RecommendedMovie
from .removed_models import RemovedModels
from .retention import Retention
from .run_state import RunState
from .seen_movie import SeenMovie
from .sent_weight import SentWeight
from .similar_movie import SimilarMovie
from .similar_movies import SimilarMovies
from .source import Source
from .stars_rating import StarsRating
from .training_options import TrainingOptions
from .training_options_hyper_parameters import TrainingOptionsHyperParameters
from .training_run import TrainingRun
from .training_runs import TrainingRuns
from .user import User
from .user_feature import UserFeature
from .user_features import UserFeatures
from .users_page import UsersPage
from .watched_event import WatchedEvent

__all__ = (
    "ActivatedModel",
    "ActiveModel",
    "AnonymousFeature",
    "AnonymousFeatures",
    "AnonymousFeaturesRequest",
    "AnonymousRecommendations",
    "AnonymousRequest",
    "AnonymousRequestMode",
    "BatchRequest",
    "BatchRequestMode",
    "Because",
    "BulkRatingsRequest",
    "Card",
    "ErrorBody",
    "ErrorCode",
    "Event",
    "EventKind",
    "EventResult",
    "EventResults",
    "EventResultStatus",
    "EventsPage",
    "EventsRequest",
    "Failure",
    "Feature",
    "FeatureGenre",
    "FeatureMovie",
    "FeatureSource",
    "FieldError",
    "Figures",
    "FoundMovies",
    "GenreCount",
    "GenreList",
    "GetEventsKindItem",
    "GetMoviesSort",
    "GetRecommendationsMode",
    "ImportedModel",
    "InvalidRequestBody",
    "Likeness",
    "LikeRating",
    "ListedMovie",
    "ListedUser",
    "Live",
    "Model",
    "ModelFeatures",
    "Models",
    "ModelSummary",
    "Movie",
    "MovieAttributes",
    "MovieChanges",
    "MovieChangesAttributes",
    "MovieLikeRating",
    "MovieRequest",
    "MovieRequestAttributes",
    "MoviesPage",
    "MovieStarsRating",
    "NewMovie",
    "NewMovieAttributes",
    "Outcome",
    "PlainEvent",
    "PlainEventKind",
    "Prediction",
    "Progress",
    "PublicRating",
    "PublicRatings",
    "RatedEvent",
    "Rating",
    "RatingImpliedBy",
    "RatingResult",
    "RatingResults",
    "RatingResultStatus",
    "RatingsPage",
    "Ready",
    "ReadyDegradedType0",
    "Reason",
    "ReceivedWeight",
    "Recommendations",
    "RecommendationsBatch",
    "RecommendedMovie",
    "RemovedModels",
    "Retention",
    "RunState",
    "SeenMovie",
    "SentWeight",
    "SimilarMovie",
    "SimilarMovies",
    "Source",
    "StarsRating",
    "TrainingOptions",
    "TrainingOptionsHyperParameters",
    "TrainingRun",
    "TrainingRuns",
    "User",
    "UserFeature",
    "UserFeatures",
    "UsersPage",
    "WatchedEvent",
)
