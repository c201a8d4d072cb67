"""The list of scenes. A scene is a function of a Lab whose docstring says what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab import Lab

Play = Callable[[Lab], None]


@dataclass(frozen=True)
class Scene:
    name: str
    shows: str
    play: Play
    alone: bool


SCENES: dict[str, Scene] = {}


def scene(play: Play) -> Play:
    """Registers a function as a scene, named by its file's topic and itself."""
    return _register(play, alone=False)


def scene_alone(play: Play) -> Play:
    """A scene whose time limits ask for a machine without other scenes; it plays by itself."""
    return _register(play, alone=True)


def _register(play: Play, alone: bool) -> Play:
    topic = play.__module__.removeprefix("scenes_")
    name = f"{topic}.{play.__name__}"
    shows = (play.__doc__ or "").strip().splitlines()
    assert shows and name not in SCENES, name
    SCENES[name] = Scene(name, shows[0], play, alone)
    return play
