from typing import Literal

ScenarioDefinitionSourcesItem = Literal["popular", "rbm", "similar", "trending"]

SCENARIO_DEFINITION_SOURCES_ITEM_VALUES: set[ScenarioDefinitionSourcesItem] = {
    "popular",
    "rbm",
    "similar",
    "trending",
}


def check_scenario_definition_sources_item(value: str) -> ScenarioDefinitionSourcesItem:
    if value in SCENARIO_DEFINITION_SOURCES_ITEM_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {SCENARIO_DEFINITION_SOURCES_ITEM_VALUES!r}"
    )
