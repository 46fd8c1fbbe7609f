"""The bundled sample: real films, invented ratings, in the form of a MovieLens release.

``movies.csv`` is kept by hand: films of general renown with their years, genres in the MovieLens
vocabulary and MovieLens ids. ``ratings.csv`` is made from it by `data.sample.generator`.
"""
