from typing import Literal

GetMoviesSort = Literal["newest", "popular", "telling", "title"]

GET_MOVIES_SORT_VALUES: set[GetMoviesSort] = {
    "newest",
    "popular",
    "telling",
    "title",
}


def check_get_movies_sort(value: str) -> GetMoviesSort:
    if value in GET_MOVIES_SORT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {GET_MOVIES_SORT_VALUES!r}")
