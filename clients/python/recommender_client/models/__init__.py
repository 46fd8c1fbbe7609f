"""Contains all the data models used in inputs/outputs"""

from .action import Action
from .activated_model import ActivatedModel
from .active_model import ActiveModel
from .anonymous_feature import AnonymousFeature
from .anonymous_features import AnonymousFeatures
from .anonymous_features_request import AnonymousFeaturesRequest
from .anonymous_recommendations import AnonymousRecommendations
from .anonymous_request import AnonymousRequest
from .anonymous_request_mode import AnonymousRequestMode
from .arm import Arm
from .arm_figures import ArmFigures
from .arm_look import ArmLook
from .attribute_boost import AttributeBoost
from .audit_page import AuditPage
from .audit_record import AuditRecord
from .audit_record_detail_type_0 import AuditRecordDetailType0
from .batch_request import BatchRequest
from .batch_request_mode import BatchRequestMode
from .because import Because
from .bounds import Bounds
from .bulk_ratings_request import BulkRatingsRequest
from .card import Card
from .draw import Draw
from .error_body import ErrorBody
from .error_code import ErrorCode
from .event import Event
from .event_kind import EventKind
from .event_result import EventResult
from .event_result_status import EventResultStatus
from .event_results import EventResults
from .events_page import EventsPage
from .events_request import EventsRequest
from .experiment_definition import ExperimentDefinition
from .experiment_definition_metric import ExperimentDefinitionMetric
from .experiment_detail import ExperimentDetail
from .experiment_report import ExperimentReport
from .experiments import Experiments
from .failure import Failure
from .feature import Feature
from .feature_genre import FeatureGenre
from .feature_movie import FeatureMovie
from .feature_source import FeatureSource
from .feedback import Feedback
from .feedback_batch import FeedbackBatch
from .feedback_kind import FeedbackKind
from .feedback_report import FeedbackReport
from .feedback_report_by_item import FeedbackReportByItem
from .feedback_request import FeedbackRequest
from .feedback_request_kind import FeedbackRequestKind
from .feedback_result import FeedbackResult
from .feedback_result_status import FeedbackResultStatus
from .feedback_results import FeedbackResults
from .feedback_row import FeedbackRow
from .field_error import FieldError
from .figures import Figures
from .found_movies import FoundMovies
from .genre_boost import GenreBoost
from .genre_change import GenreChange
from .genre_count import GenreCount
from .genre_list import GenreList
from .get_events_kind_item import GetEventsKindItem
from .get_feedback_report_by_item import GetFeedbackReportByItem
from .get_movies_sort import GetMoviesSort
from .get_recommendations_mode import GetRecommendationsMode
from .imported_model import ImportedModel
from .invalid_request_body import InvalidRequestBody
from .left_out import LeftOut
from .like_rating import LikeRating
from .likeness import Likeness
from .listed_movie import ListedMovie
from .listed_user import ListedUser
from .live import Live
from .look import Look
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
from .pin import Pin
from .plain_event import PlainEvent
from .plain_event_kind import PlainEventKind
from .popularity_boost import PopularityBoost
from .prediction import Prediction
from .progress import Progress
from .promotion import Promotion
from .public_rating import PublicRating
from .public_ratings import PublicRatings
from .rank_request import RankRequest
from .ranked_movies import RankedMovies
from .rate import Rate
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
from .recency_boost import RecencyBoost
from .recommendations import Recommendations
from .recommendations_batch import RecommendationsBatch
from .recommended_movie import RecommendedMovie
from .removed_models import RemovedModels
from .retention import Retention
from .run_state import RunState
from .scenario_definition import ScenarioDefinition
from .scenario_definition_sources_item import ScenarioDefinitionSourcesItem
from .scenario_detail import ScenarioDetail
from .scenario_filters import ScenarioFilters
from .scenario_version import ScenarioVersion
from .scenario_versions import ScenarioVersions
from .scenarios import Scenarios
from .seen_movie import SeenMovie
from .sent_weight import SentWeight
from .shadow import Shadow
from .shadows import Shadows
from .similar_movie import SimilarMovie
from .similar_movies import SimilarMovies
from .source import Source
from .stars_rating import StarsRating
from .training_options import TrainingOptions
from .training_options_hyper_parameters import TrainingOptionsHyperParameters
from .training_run import TrainingRun
from .training_runs import TrainingRuns
from .trending_movie import TrendingMovie
from .trending_movies import TrendingMovies
from .user import User
from .user_feature import UserFeature
from .user_features import UserFeatures
from .users_page import UsersPage
from .verdict import Verdict
from .watched_event import WatchedEvent
from .why import Why

__all__ = (
    "Action",
    "ActivatedModel",
    "ActiveModel",
    "AnonymousFeature",
    "AnonymousFeatures",
    "AnonymousFeaturesRequest",
    "AnonymousRecommendations",
    "AnonymousRequest",
    "AnonymousRequestMode",
    "Arm",
    "ArmFigures",
    "ArmLook",
    "AttributeBoost",
    "AuditPage",
    "AuditRecord",
    "AuditRecordDetailType0",
    "BatchRequest",
    "BatchRequestMode",
    "Because",
    "Bounds",
    "BulkRatingsRequest",
    "Card",
    "Draw",
    "ErrorBody",
    "ErrorCode",
    "Event",
    "EventKind",
    "EventResult",
    "EventResults",
    "EventResultStatus",
    "EventsPage",
    "EventsRequest",
    "ExperimentDefinition",
    "ExperimentDefinitionMetric",
    "ExperimentDetail",
    "ExperimentReport",
    "Experiments",
    "Failure",
    "Feature",
    "FeatureGenre",
    "FeatureMovie",
    "FeatureSource",
    "Feedback",
    "FeedbackBatch",
    "FeedbackKind",
    "FeedbackReport",
    "FeedbackReportByItem",
    "FeedbackRequest",
    "FeedbackRequestKind",
    "FeedbackResult",
    "FeedbackResults",
    "FeedbackResultStatus",
    "FeedbackRow",
    "FieldError",
    "Figures",
    "FoundMovies",
    "GenreBoost",
    "GenreChange",
    "GenreCount",
    "GenreList",
    "GetEventsKindItem",
    "GetFeedbackReportByItem",
    "GetMoviesSort",
    "GetRecommendationsMode",
    "ImportedModel",
    "InvalidRequestBody",
    "LeftOut",
    "Likeness",
    "LikeRating",
    "ListedMovie",
    "ListedUser",
    "Live",
    "Look",
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
    "Pin",
    "PlainEvent",
    "PlainEventKind",
    "PopularityBoost",
    "Prediction",
    "Progress",
    "Promotion",
    "PublicRating",
    "PublicRatings",
    "RankedMovies",
    "RankRequest",
    "Rate",
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
    "RecencyBoost",
    "Recommendations",
    "RecommendationsBatch",
    "RecommendedMovie",
    "RemovedModels",
    "Retention",
    "RunState",
    "ScenarioDefinition",
    "ScenarioDefinitionSourcesItem",
    "ScenarioDetail",
    "ScenarioFilters",
    "Scenarios",
    "ScenarioVersion",
    "ScenarioVersions",
    "SeenMovie",
    "SentWeight",
    "Shadow",
    "Shadows",
    "SimilarMovie",
    "SimilarMovies",
    "Source",
    "StarsRating",
    "TrainingOptions",
    "TrainingOptionsHyperParameters",
    "TrainingRun",
    "TrainingRuns",
    "TrendingMovie",
    "TrendingMovies",
    "User",
    "UserFeature",
    "UserFeatures",
    "UsersPage",
    "Verdict",
    "WatchedEvent",
    "Why",
)
