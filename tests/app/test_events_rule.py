"""The rule of events: its clauses, what wins, and the same for events of a file."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from app.config import Settings
from app.events.rule import Clause, Meaning, Rule, derive, event_id

NONE = float("nan")


def meanings(rule: str, *events: tuple[str, float]) -> list[str]:
    kinds, values = zip(*events, strict=True)
    settings = Settings(event_rule=rule)  # type: ignore[arg-type] # as in the environment
    found = Rule.of(settings.event_rule).meanings(np.array(kinds, dtype=object), np.array(values))
    return [Meaning(number).name.lower() for number in found.tolist()]


def test_what_users_say_means_what_they_say_whatever_the_rule() -> None:
    said = [("rated", 3.5), ("liked", NONE), ("disliked", NONE), ("seen", NONE), ("hidden", NONE)]
    for rule in ("", "clicked=like,purchased=seen"):
        assert meanings(rule, *said) == ["stars", "like", "dislike", "seen", "hidden"]


def test_the_first_clause_that_fits_counts_and_nothing_follows_without_one() -> None:
    rule = "watched<0.1=dislike,watched>=.7=like,watched=seen,purchased=like"
    shares = [0.0, 0.0999, 0.1, 0.69, 0.7, 1.0, NONE]
    expected = ["dislike", "dislike", "seen", "seen", "like", "like", "like"]
    assert meanings(rule, *(("watched", share) for share in shares)) == expected
    assert meanings(rule, ("purchased", NONE), ("clicked", NONE)) == ["like", "nothing"]
    assert meanings("clicked=nothing,clicked=like", ("clicked", NONE)) == ["nothing"]


def test_by_default_purchases_and_most_of_a_movie_are_likes() -> None:
    watched = [("watched", share) for share in (0.05, 0.69, 0.7)]
    rule = ",".join(Settings().event_rule)
    assert meanings(rule, ("clicked", NONE), ("purchased", NONE), *watched) == [
        "nothing", "like", "nothing", "nothing", "like",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "clause",
    ["clicked", "bought=like", "clicked>=0.5=like", "watched>0.5=like", "watched>=2=like",
     "watched<-1=like", "rated=like", "clicked=hidden", "watched>=1e-1=like"],
)  # fmt: skip
def test_a_malformed_rule_is_refused_at_the_start_and_named(clause: str) -> None:
    with pytest.raises(ValueError, match=f"'{clause}' is no clause such as purchased=like"):
        Settings(event_rule=f"purchased=like, {clause}")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no clause"):
        Clause.of(clause)


def test_a_rule_is_the_same_in_another_process() -> None:
    settings = Settings(event_rule="watched>=0.5=seen, clicked=like")  # type: ignore[arg-type]
    assert settings.as_environment()["RECOMMENDER_EVENT_RULE"] == "watched>=0.5=seen,clicked=like"


ROWS = [
    ("a", 1, "purchased", NONE, 50), ("a", 1, "disliked", NONE, 10), ("a", 1, "rated", 4.5, 9),
    ("a", 2, "purchased", NONE, 30), ("a", 2, "watched", 0.05, 31),
    ("b", 1, "hidden", NONE, 3), ("b", 1, "seen", NONE, 8), ("b", -7, "watched", 0.5, 1),
    ("b", 9, "clicked", NONE, 1),
]  # fmt: skip


def test_given_opinions_win_over_implied_ones_and_later_over_earlier_in_any_order() -> None:
    rule = Rule.of(["watched<0.1=dislike", "watched=seen", "purchased=like"])
    for rows in list(permutations(ROWS))[::5000]:
        columns = ["user", "movie_id", "kind", "value", "occurred_at"]
        opinions, seen = derive(pd.DataFrame(list(rows), columns=columns), rule)
        opinions = opinions.sort_values(["user", "movie_id"])
        assert opinions[["user", "movie_id"]].to_numpy().tolist() == [["a", 1], ["a", 2]]
        assert opinions["stars"].isna().all()
        assert opinions["liked"].tolist() == [False, False]
        assert opinions["rated_at"].tolist() == [10, 31]
        assert opinions["implied_by"].tolist() == [None, "watched"]
        found = sorted(seen[["user", "movie_id", "hidden", "seen_at"]].to_numpy().tolist())
        assert found == [["b", -7, False, 1], ["b", 1, True, 8]]


def test_of_two_opinions_at_one_time_the_one_further_behind_counts() -> None:
    events = pd.DataFrame(
        {"user": 5, "movie_id": 1, "kind": ["liked", "rated"], "value": [NONE, 2.5],
         "occurred_at": 7}
    )  # fmt: skip
    (last,) = derive(events, Rule())[0].to_dict("records")
    assert (last["stars"], bool(pd.isna(last["liked"])), last["implied_by"]) == (2.5, True, None)
    (last,) = derive(events[::-1], Rule())[0].to_dict("records")
    assert (bool(np.isnan(last["stars"])), last["liked"]) == (True, True)


def test_a_file_without_events_gives_the_same_columns() -> None:
    events = pd.DataFrame({"user": ["a"], "movie_id": [1], "kind": ["clicked"], "value": [NONE],
                           "occurred_at": [0]})  # fmt: skip
    some, none = (derive(events[:n], Rule()) for n in (1, 0))
    assert [list(frame.columns) for frame in none] == [list(frame.columns) for frame in some]
    assert [len(frame) for frame in none] == [0, 0]


def test_an_event_without_an_id_gets_the_same_id_each_time_and_no_other_event_the_same() -> None:
    events = [("a", 1, "seen", None, 5), ("a", 1, "seen", None, 6), ("a", 1, "hidden", None, 5),
              ("a", 11, "seen", None, 5), ("b", 1, "seen", None, 5), ("a", 1, "watched", 0.5, 5),
              ("a", 1, "watched", None, 5)]  # fmt: skip
    ids = [event_id(*event) for event in events]
    assert ids == [event_id(*event) for event in events]
    assert len(set(ids)) == len(ids)
    assert event_id("a", 1, "rated", 4, 5) == event_id("a", 1, "rated", 4.0, 5)
