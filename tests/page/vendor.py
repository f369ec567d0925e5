"""The vendored libraries, the page's and the tests', and what the `vendor.json` of each says of
them; run as a program, it writes their hashes anew: `python -m tests.page.vendor`."""

import hashlib
import json
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOT = PROJECT / "static" / "vendor"
ROOTS = (ROOT, PROJECT / "tests" / "vendor")


def packages(root: Path = ROOT) -> list[dict]:
    return json.loads((root / "vendor.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    for root in ROOTS:
        listed = packages(root)
        for package in listed:
            for name, file in package["files"].items():
                file["sha256"] = sha256(root / package["folder"] / name)
        (root / "vendor.json").write_text(json.dumps(listed, indent=2) + "\n")


if __name__ == "__main__":
    main()
