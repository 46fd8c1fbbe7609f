from typing import Literal

Action = Literal[
    "backup_restored",
    "data_imported",
    "data_replaced",
    "experiment_begun",
    "experiment_promoted",
    "experiment_stopped",
    "key_created",
    "key_revoked",
    "model_activated",
    "model_deleted",
    "model_imported",
    "model_rolled_back",
    "movie_removed",
    "movie_returned",
    "movie_window_changed",
    "movie_withdrawn",
    "scenario_changed",
    "scenario_deleted",
    "user_erased",
]

ACTION_VALUES: set[Action] = {
    "backup_restored",
    "data_imported",
    "data_replaced",
    "experiment_begun",
    "experiment_promoted",
    "experiment_stopped",
    "key_created",
    "key_revoked",
    "model_activated",
    "model_deleted",
    "model_imported",
    "model_rolled_back",
    "movie_removed",
    "movie_returned",
    "movie_window_changed",
    "movie_withdrawn",
    "scenario_changed",
    "scenario_deleted",
    "user_erased",
}


def check_action(value: str) -> Action:
    if value in ACTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ACTION_VALUES!r}")
