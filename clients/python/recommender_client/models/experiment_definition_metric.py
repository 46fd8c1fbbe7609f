from typing import Literal

ExperimentDefinitionMetric = Literal["clicked", "watched"]

EXPERIMENT_DEFINITION_METRIC_VALUES: set[ExperimentDefinitionMetric] = {
    "clicked",
    "watched",
}


def check_experiment_definition_metric(value: str) -> ExperimentDefinitionMetric:
    if value in EXPERIMENT_DEFINITION_METRIC_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {EXPERIMENT_DEFINITION_METRIC_VALUES!r}"
    )
