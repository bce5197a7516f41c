"""Three short films that a demonstration's watch party plays, drawn and sounded here: nobody else's picture, font or
tone is in them. Each shows the time and a light that moves on with every frame, so that one sees whether two windows
are in step.

``python -m demo.film`` makes the files anew, beside their posters, in ``demo/films/``. It needs ffmpeg with libvpx and
libopus, on the path or as ``FFMPEG=…``; the same ffmpeg makes the same bytes.
"""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "films"
WIDTH, HEIGHT, FPS = 640, 360, 25
SOUND_RATE = 48_000
BEEP_S, BEEP_HZ, TENTH_HZ = 0.06, 880, 1_320

Color = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Film:
    """``lights`` are the places of the light in one second, one for each frame."""

    name: str
    title: str
    handle: str  # of the creator whose it is
    seconds: int
    paper: Color
    ink: Color
    lit: Color
    lights: tuple[Point, ...]
    digits: tuple[int, int, int]  # left, top and height of the time

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.webm"

    @property
    def poster(self) -> Path:
        return FOLDER / f"{self.name}.svg"


def _ring(x: int, y: int, radius: int) -> tuple[Point, ...]:
    turns = (2 * math.pi * n / FPS for n in range(FPS))
    return tuple((round(x + radius * math.sin(turn)), round(y - radius * math.cos(turn))) for turn in turns)


def _swing(x: int, y: int, length: int, widest: float) -> tuple[Point, ...]:
    # a quarter of a frame late: on its way back it is never where it was on its way there
    angles = (widest * math.cos(2 * math.pi * (n + 0.25) / FPS) for n in range(FPS))
    return tuple((round(x + length * math.sin(angle)), round(y + length * math.cos(angle))) for angle in angles)


def _wave(y: int, height: int) -> tuple[Point, ...]:
    return tuple((round(56 + n * 22), round(y - height * math.sin(2 * math.pi * n / FPS))) for n in range(FPS))


FILMS = (
    Film(
        "stopwatch",
        "같이 공부해요: 초시계 2분",
        "onul.study",
        120,
        (16, 42, 46),
        (52, 92, 98),
        (255, 196, 77),
        _ring(320, 184, 140),
        (242, 148, 72),
    ),
    Film(
        "pendulum",
        "Ninety seconds of a very patient pendulum",
        "tinylabmara",
        90,
        (38, 28, 58),
        (88, 72, 122),
        (120, 226, 190),
        _swing(320, 20, 210, 0.9),
        (262, 284, 52),
    ),
    Film(
        "wave",
        "One minute, sixty waves",
        "tinylabmara",
        60,
        (20, 36, 66),
        (62, 92, 140),
        (255, 138, 122),
        _wave(130, 70),
        (242, 250, 72),
    ),
)

# of a digit: the strokes top, middle, bottom, left above, left below, right above, right below
_STROKES = (
    *("1011111", "0000011", "1110110", "1110011", "0101011"),
    *("1111001", "1111101", "1000011", "1111111", "1111011"),
)


class Frame:
    """A picture in Y, U and V, with half as many places for colour, as encoders want it."""

    def __init__(self, paper: Color) -> None:
        y, u, v = _yuv(paper)
        self._planes = (
            bytearray([y]) * (WIDTH * HEIGHT),
            bytearray([u]) * (WIDTH * HEIGHT // 4),
            bytearray([v]) * (WIDTH * HEIGHT // 4),
        )

    def bar(self, left: int, top: int, width: int, height: int, color: Color) -> None:
        """A box; its edges lie on even places."""
        for step, plane, value in zip((1, 2, 2), self._planes, _yuv(color), strict=True):
            row = WIDTH // step
            for y in range(top // step, (top + height) // step):
                start = y * row + left // step
                plane[start : start + width // step] = bytes([value]) * (width // step)

    def dot(self, x: int, y: int, radius: int, color: Color) -> None:
        for step, plane, value in zip((1, 2, 2), self._planes, _yuv(color), strict=True):
            row, across = WIDTH // step, radius // step
            for rise in range(-across, across + 1):
                half = math.isqrt(across * across - rise * rise)
                start = (y // step + rise) * row + x // step - half
                plane[start : start + 2 * half + 1] = bytes([value]) * (2 * half + 1)

    def bytes(self) -> bytes:
        return b"".join(self._planes)


def _yuv(color: Color) -> tuple[int, int, int]:
    """BT.601, of which 16 to 235 is used."""
    red, green, blue = color
    y = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    return round(y), round(u), round(v)


def _boxes(film: Film, second: int) -> Iterator[tuple[tuple[int, int, int, int], bool]]:
    """The strokes of ``m:ss``, and which of them are lit."""
    left, top, height = film.digits
    thick, half = height // 8 // 2 * 2, height // 2 // 2 * 2
    wide = height // 2 // 2 * 2
    text = f"{second // 60}{second % 60:02}"
    for place, digit in enumerate(text):
        x = left + place * (wide + 2 * thick) + (2 * thick if place else 0)
        boxes = (
            *((x, top + rise, wide, thick) for rise in (0, half - thick // 2 // 2 * 2, height - thick)),
            *((side, top + rise, thick, half) for side in (x, x + wide - thick) for rise in (0, height - half)),
        )
        yield from zip(boxes, (stroke == "1" for stroke in _STROKES[int(digit)]), strict=True)
    colon = left + wide + thick
    for rise in (height // 3, 2 * height // 3):
        yield (colon, (top + rise) // 2 * 2, thick, thick), True


def frames(film: Film) -> Iterator[bytes]:
    frame = Frame(film.paper)
    for x, y in film.lights:
        frame.dot(x, y, 6, film.ink)
    frame.bar(0, HEIGHT - 6, WIDTH, 6, film.ink)
    for number in range(film.seconds * FPS):
        second, beat = divmod(number, FPS)
        if beat == 0:
            strokes = list(_boxes(film, second))
            for lit in (False, True):  # what is lit lies over what is not, where strokes meet
                for box, on in strokes:
                    if on is lit:
                        frame.bar(*box, film.lit if on else film.paper)
            frame.bar(0, HEIGHT - 6, WIDTH * second // film.seconds // 2 * 2, 6, film.lit)
        frame.dot(*film.lights[beat - 1], 12, film.paper)
        for near in (beat - 2, beat - 1):
            frame.dot(*film.lights[near], 6, film.ink)
        frame.dot(*film.lights[beat], 12, film.lit)
        yield frame.bytes()


def sound(film: Film) -> bytes:
    """A short tone each second, a higher one each tenth: 16 bits, one channel."""
    samples = array("h", bytes(2 * SOUND_RATE * film.seconds))
    length = round(BEEP_S * SOUND_RATE)
    for second in range(film.seconds):
        pitch = TENTH_HZ if second % 10 == 0 else BEEP_HZ
        for n in range(length):
            swell = math.sin(math.pi * n / length)  # begins and ends in silence: no click
            samples[second * SOUND_RATE + n] = round(6_000 * swell * math.sin(2 * math.pi * pitch * n / SOUND_RATE))
    return samples.tobytes()


def poster(film: Film) -> str:
    """The picture that lists show of it."""
    paper, ink, lit = (f"rgb{color}" for color in (film.paper, film.ink, film.lit))
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="6"/>' for x, y in film.lights)
    strokes = [box for box, on in _boxes(film, film.seconds) if on]
    boxes = "".join(f'<rect x="{x}" y="{y}" width="{wide}" height="{high}"/>' for x, y, wide, high in strokes)
    x, y = film.lights[3]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{paper}"/><g fill="{ink}">{dots}</g>'
        f'<g fill="{lit}">{boxes}<circle cx="{x}" cy="{y}" r="12"/></g></svg>\n'
    )


def make(film: Film, ffmpeg: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tones = str(Path(folder) / "tones.wav")
        with wave.open(tones, "wb") as file:
            file.setparams((1, 2, SOUND_RATE, 0, "NONE", ""))
            file.writeframes(sound(film))
        pictures = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"]
        # a key frame each four seconds and their index in front: a player goes anywhere at once
        quality = ["-crf", "48", "-b:v", "0", "-deadline", "good", "-cpu-used", "1"]
        video = ["-c:v", "libvpx-vp9", "-g", str(4 * FPS), *quality]
        audio = ["-c:a", "libopus", "-b:a", "8k", "-frame_duration", "60"]
        file_form = ["-fflags", "+bitexact", "-flags", "+bitexact", "-cues_to_front", "1", "-f", "webm", str(film.path)]
        command = [ffmpeg, "-v", "error", "-y", *pictures, "-i", tones, *video, *audio, *file_form]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:  # noqa: S603 - the author's own ffmpeg
            if encoder.stdin is None:
                raise RuntimeError("it was asked for above")
            for picture in frames(film):
                encoder.stdin.write(picture)
            encoder.stdin.close()
            if encoder.wait():
                raise SystemExit(f"ffmpeg could not make {film.path}")
    film.poster.write_text(poster(film))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in FILMS:
        make(each, os.environ.get("FFMPEG", "ffmpeg"))
        print(f"{each.path}  {each.path.stat().st_size} bytes")
