"""A state of the page, how it is reached, and how it is looked at."""

from collections.abc import Callable
from dataclasses import dataclass

from .looks import EVERY, Look


@dataclass(frozen=True)
class Scene:
    """`marks`: what has to be on the page when its picture is taken, as selectors."""

    chapter: str
    name: str
    says: str
    play: Callable
    marks: tuple[str, ...]
    looks: tuple[Look, ...]

    def files(self) -> list[str]:
        return [f"{self.name}-{look.name}.webp" for look in self.looks]


SCENES: list[Scene] = []


def scene(*marks: str, looks: tuple[Look, ...] = EVERY) -> Callable[[Callable], Callable]:
    """Makes a scene of a function that is given a stage: its name is the picture's, its docstring
    the picture's caption, its module the chapter. Where the page changes by itself, it gives what
    is to be waited for before each picture."""

    def register(play: Callable) -> Callable:
        name = play.__name__.strip("_").replace("_", "-")
        chapter = play.__globals__["__doc__"].strip().rstrip(".")
        SCENES.append(Scene(chapter, name, play.__doc__.strip(), play, marks, looks))
        return play

    return register
