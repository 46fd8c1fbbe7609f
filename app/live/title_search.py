"""Finds movies by parts of their titles, also with typing errors."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.live.catalogue import CatalogueMovie
from app.live.title_words import ARTICLES, fold, joined

MAX_WORDS = 12
# Weights of a match. Any word may be incomplete, but one letter is the prefix of too many words.
WHOLE, PREFIX, TYPO, YEAR = 1.0, 0.85, 0.7, 0.6
# Lengths from which an unknown word may have one or two wrong letters.
ONE_TYPO_FROM, TWO_TYPOS_FROM = 3, 8
YEAR_DIGITS = 4
# Weights of titles with few other words, and of popular movies.
COVERAGE, POPULARITY = 0.35, 0.4
# Added for a whole title: more than popularity.
TITLE = 0.5
ARTICLE_WEIGHT = 0.1
# Similarity of whole titles, in percent, that counts as a match.
ALIKE = 75
# Shorter parts occur in too many titles.
MIN_PART_LENGTH = 4


class TitleIndex:
    """An index of the words of all titles; *position* is a position in the catalogue."""

    def __init__(self, movies: Mapping[int, CatalogueMovie], folded: Sequence[str] = ()) -> None:
        """Index the titles; `folded` are these, where they are known already."""
        self.movies = movies
        self.n_words = np.zeros(len(movies), dtype=np.float64)
        self.compact: list[str] = []
        numbers: dict[str, int] = {}
        found, places = array("q"), array("q")  # number of a word, and a position that has it
        for position, movie in enumerate(movies.values()):
            words = (folded[position] if folded else fold(movie.title)).split()
            self.n_words[position] = sum(word not in ARTICLES for word in words) or len(words)
            self.compact.append("".join(words))
            for word in {*words, *joined(movie.title)}:
                found.append(numbers.setdefault(word, len(numbers)))
                places.append(position)
        self.years = np.array([movie.year or 0 for movie in movies.values()], dtype=np.int64)
        self.vocabulary = sorted(numbers)
        rank = np.empty(len(numbers), dtype=np.int64)
        rank[[numbers[word] for word in self.vocabulary]] = np.arange(len(numbers))
        ranks = rank[np.frombuffer(found, dtype=np.int64)]
        self.positions = np.frombuffer(places, dtype=np.int64)[np.argsort(ranks, kind="stable")]
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(ranks, minlength=len(rank)))])

    def find(
        self,
        text: str,
        likes: NDArray[np.int64],
        limit: int,
        allowed: NDArray[np.bool_] | None = None,
    ) -> list[int]:
        """Return the positions of the matching movies, the best match first."""
        words = fold(text).split()[:MAX_WORDS]
        if not words or not len(self.compact):
            return []
        among = np.ones(len(self.compact), dtype=np.bool_) if allowed is None else allowed
        scores = self._by_words(words, among)
        if not scores.any():
            scores = self._by_likeness("".join(words), among)
        found = np.flatnonzero(scores)
        liked = np.log1p(likes[found])
        score = scores[found] + POPULARITY * liked / max(float(np.log1p(likes.max())), 1.0)
        whole = "".join(words)
        score[[self.compact[position] == whole for position in found]] += TITLE
        order = np.lexsort((found, -score))[:limit]
        return [int(position) for position in found[order]]

    def _by_words(self, words: Sequence[str], among: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score movies with all words; if there are none, those with the most of them."""
        total = np.zeros(len(self.compact))
        n_found = np.zeros(len(self.compact), dtype=np.int64)
        needed = [word for word in words if word not in ARTICLES] or words
        for word in words:
            match = self._match(word)
            weight = 1.0 if word in needed else ARTICLE_WEIGHT
            total += weight * match
            if word in needed:
                n_found += match > 0
        n_found *= among
        best = int(n_found.max(initial=0))
        if best < max(1, (len(needed) + 1) // 2):
            return np.zeros(len(self.compact))
        coverage = np.minimum(n_found / self.n_words, 1)
        return np.where(n_found == best, total / len(needed) + COVERAGE * coverage, 0)

    def _match(self, word: str) -> NDArray[np.float64]:
        """Score every movie by its best match of this word."""
        match = np.zeros(len(self.compact))
        begin = bisect_left(self.vocabulary, word)
        is_word = begin < len(self.vocabulary) and self.vocabulary[begin] == word
        if not is_word:  # a known word is no typing error
            for index in self._typos(word):
                match[self._places(index, index + 1)] = TYPO
        if len(word) > 1:
            end = bisect_left(self.vocabulary, word + "\U0010ffff")
            match[self._places(begin, end)] = PREFIX
        if len(word) == YEAR_DIGITS and word.isdecimal():
            match[self.years == int(word)] = YEAR
        if is_word:
            match[self._places(begin, begin + 1)] = WHOLE
        return match

    def _typos(self, word: str) -> Iterator[int]:
        if len(word) < ONE_TYPO_FROM or word.isdecimal():
            return
        from rapidfuzz import process  # noqa: PLC0415 - loaded at the first search
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        allowed = 1 if len(word) < TWO_TYPOS_FROM else 2
        for _, _, index in process.extract_iter(
            word, self.vocabulary, scorer=OSA.distance, processor=None, score_cutoff=allowed
        ):
            yield index

    def _places(self, begin: int, end: int) -> NDArray[np.int64]:
        return self.positions[self.starts[begin] : self.starts[end]]

    def _by_likeness(self, compact: str, among: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score movies by their whole titles without spaces: "spider man" for "spiderman"."""
        scores = np.zeros(len(self.compact))
        if len(compact) >= MIN_PART_LENGTH:
            scores[[place for place, title in enumerate(self.compact) if compact in title]] = 1
            scores *= among
        if scores.any():
            return scores
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - see above

        for _, score, index in process.extract(
            compact, self.compact, scorer=fuzz.ratio, processor=None, score_cutoff=ALIKE, limit=100
        ):
            scores[index] = among[index] * score / 100
        return scores
