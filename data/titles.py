"""Titles as users type them, from titles as MovieLens writes them.

MovieLens puts the year at the end and a leading article behind its title, in every language and in
every alternative title: ``"City of Lost Children, The (Cité des enfants perdus, La) (1995)"`` is
*The City of Lost Children (La Cité des enfants perdus)* of 1995.
"""

from __future__ import annotations

import re

from data.rules import FIRST_YEAR, LAST_YEAR

__all__ = ["split_title"]

# Only words that are nothing but articles in titles; "Play It Again, Sam" and "Monsters, Inc."
# keep their order. "De" is missing on purpose: also a French preposition.
_ARTICLES = (
    "The|A|An"
    "|Le|La|Les|L'|Un|Une"
    "|El|Los|Las|Lo|Una"
    "|Il|Gli|Uno"
    "|Der|Die|Das|Den|Ein|Eine"
    "|Det|En|Ett|Et"
    "|Os|As|Het"
)
# Articles in Italian and Portuguese, other words in English: no article after a second comma, as
# in "Me, Myself, I".
_DOUBTFUL_ARTICLES = "I|O"
_TRAILING_ARTICLE = re.compile(
    rf"(?P<title>.*\S), ?(?P<article>{_ARTICLES})"
    rf"|(?P<plain_title>[^,]*\S), ?(?P<doubtful_article>{_DOUBTFUL_ARTICLES})"
)
_ALSO_KNOWN_AS = re.compile(r"(?P<prefix>(?:a\.?k\.?a\.?:? )?)(?P<title>.*)", re.IGNORECASE)
# "(1995)", a series' "(1975-1979)" or "(2011-)", and the mark of a release on video or television.
_YEAR = re.compile(
    r"\s*\((?P<year>\d{4})\s*(?:[-\u2013]\s*(?:\d{4})?\s*)?\)(?:\s*\((?:V|TV)\))?\s*$"
)
_INNERMOST_PARENTHESES = re.compile(r"\(([^()]*)\)")


def split_title(text: str) -> tuple[str, int | None]:
    """Split a title of MovieLens into the title as users type it and the year.

    Parameters
    ----------
    text : str
        As in ``"Matrix, The (1999)"``.

    Returns
    -------
    title : str
        ``"The Matrix"``. Alternative titles stay behind it in parentheses, ``a.k.a.`` too, each
        with its article in front.
    year : int or None
        1999, the first of several; None where the title ends with no year.

    Examples
    --------
    >>> split_title("His Secret Life (a.k.a. Ignorant Fairies, The) (Fate ignoranti, Le) (2001)")
    ('His Secret Life (a.k.a. The Ignorant Fairies) (Le Fate ignoranti)', 2001)
    """
    title, year = text.strip(), None
    found = _YEAR.search(title)
    # Another number in parentheses belongs to the title.
    if found and FIRST_YEAR <= int(found["year"]) <= LAST_YEAR and found.start() > 0:
        title, year = title[: found.start()], int(found["year"])
    main, bracket, rest = title.partition(" (")
    rest = _INNERMOST_PARENTHESES.sub(lambda match: f"({_article_first(match[1])})", bracket + rest)
    return _article_first(main) + rest, year


def _article_first(title: str) -> str:
    known_as = _ALSO_KNOWN_AS.fullmatch(title)
    prefix, title = (known_as["prefix"], known_as["title"]) if known_as else ("", title)
    found = _TRAILING_ARTICLE.fullmatch(title)
    if not found:
        return prefix + title
    article = found["article"] or found["doubtful_article"]
    space = "" if article.endswith("'") else " "
    return f"{prefix}{article}{space}{found['title'] or found['plain_title']}"
