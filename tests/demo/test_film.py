"""The films of the demonstration: what lies in the repository is what the tool makes."""

from __future__ import annotations

import struct
from itertools import islice, pairwise

import pytest

from demo.film import FILMS, FPS, Film, frames, poster

MAX_BYTES = 300 * 1024
DURATION = b"\x44\x89\x88"  # of a WebM: the element's id, and that it is eight bytes long

each_film = pytest.mark.parametrize("film", FILMS, ids=lambda film: film.name)


@each_film
def test_a_film_is_small_and_as_long_as_it_says(film: Film) -> None:
    file = film.path.read_bytes()
    assert len(file) <= MAX_BYTES
    start = file.index(DURATION) + len(DURATION)
    (milliseconds,) = struct.unpack(">d", file[start : start + 8])
    assert abs(milliseconds - film.seconds * 1_000) <= 100


@each_film
def test_a_poster_is_that_of_its_film(film: Film) -> None:
    assert film.poster.read_text() == poster(film)


@each_film
def test_a_window_that_is_one_frame_off_shows_something_else(film: Film) -> None:
    shown = list(islice(frames(film), 2 * FPS))
    assert all(one != other for one, other in pairwise(shown))
    assert shown[0] != shown[FPS]  # a second later the time is another
