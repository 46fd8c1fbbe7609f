from typing import Literal

FeatureSource = Literal["none", "rbm"]

FEATURE_SOURCE_VALUES: set[FeatureSource] = {
    "none",
    "rbm",
}


def check_feature_source(value: str) -> FeatureSource:
    if value in FEATURE_SOURCE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FEATURE_SOURCE_VALUES!r}")
