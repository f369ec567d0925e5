"""The vendored libraries and what `vendor.json` says of them; run as a program, it writes their
hashes anew: `python -m tests.page.vendor`."""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "static" / "vendor"
LIST = ROOT / "vendor.json"


def packages() -> list[dict]:
    return json.loads(LIST.read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    listed = packages()
    for package in listed:
        for name, file in package["files"].items():
            file["sha256"] = sha256(ROOT / package["folder"] / name)
    LIST.write_text(json.dumps(listed, indent=2) + "\n")


if __name__ == "__main__":
    main()
