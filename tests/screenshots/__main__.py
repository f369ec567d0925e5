import argparse
import sys

from . import album
from .scenes import SCENES
from .stage import Stage, Theatre


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every state of the page.")
    parser.add_argument("--only", default="", help="names or chapters, by commas; all without")
    parser.add_argument("--list", action="store_true", help="the names, and nothing else")
    options = parser.parse_args()
    wanted = [word for word in options.only.split(",") if word]
    scenes = [
        scene
        for scene in SCENES
        if not wanted or any(word in (scene.name, scene.chapter) for word in wanted)
    ]
    if options.list:
        print(*(f"{scene.name:24} {scene.says}" for scene in scenes), sep="\n")
        return
    album.FOLDER.mkdir(exist_ok=True)
    failed = []
    with Theatre() as theatre:
        for scene in scenes:
            print(scene.name, flush=True)
            try:
                with Stage(theatre) as stage:
                    stage.show(scene)
            except Exception as error:  # the others are worth having
                failed.append(f"{scene.name}: {error}")
                print(failed[-1], flush=True)
    album.INDEX.write_text(album.index(SCENES))
    for name in album.stale(SCENES):
        (album.FOLDER / name).unlink()
    sys.exit(f"Not taken: {len(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
