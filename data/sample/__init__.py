"""The bundled sample: real movies, invented ratings, in the form of a MovieLens release.

``movies.csv`` is kept by hand: well-known movies with their years, genres in the MovieLens
vocabulary and MovieLens ids. ``ratings.csv`` is made from it by `data.sample.generator`.
"""
