"""What is vendored is what `vendor.json` says, whole and unmodified."""

import tempfile
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.test import SimpleTestCase

from chatproject.static import HashedStaticFiles
from tests.page.vendor import ROOTS, packages, sha256

KEYS = {"folder", "name", "version", "licence", "files"}


class VendorTests(SimpleTestCase):
    def test_every_file_is_the_one_of_its_package(self):
        for root in ROOTS:
            for package in packages(root):
                self.assertEqual(set(package), KEYS)
                for name, file in package["files"].items():
                    with self.subTest(package["name"], file=name):
                        self.assertEqual(sha256(root / package["folder"] / name), file["sha256"])

    def test_there_is_no_other_file_and_each_package_has_its_licence(self):
        for root in ROOTS:
            listed = {
                root / package["folder"] / name
                for package in packages(root)
                for name in package["files"]
            }
            found = {path for path in root.glob("*/**/*") if path.is_file()}
            self.assertEqual(found, listed)
            for package in packages(root):
                self.assertIn("LICENSE", package["files"], package["name"])

    def test_what_is_vendored_is_in_the_table_of_the_readme(self):
        for root in ROOTS:
            readme = (root / "README.md").read_text()
            for package in packages(root):
                self.assertIn(f"| {package['folder']} |", readme)

    def test_collecting_leaves_it_so_and_rewrites_our_own(self):
        with tempfile.TemporaryDirectory() as folder:
            storage = HashedStaticFiles(location=folder, base_url="/static/")
            source = FileSystemStorage(settings.BASE_DIR / "static")
            names = [
                str(path.relative_to(settings.BASE_DIR / "static"))
                for path in (settings.BASE_DIR / "static").glob("**/*")
                if path.is_file()
            ]
            for name in names:
                with source.open(name) as file:
                    storage.save(name, file)
            for name, _, done in storage.post_process({name: (storage, name) for name in names}):
                self.assertNotIsInstance(done, Exception, name)
            for package in packages():
                for name, file in package["files"].items():
                    if name.endswith(".js"):
                        hashed = storage.stored_name(f"vendor/{package['folder']}/{name}")
                        self.assertEqual(sha256(Path(folder, hashed)), file["sha256"], name)
            styles = Path(folder, storage.stored_name("vendor/katex/katex.min.css")).read_text()
            font = Path(storage.stored_name("vendor/katex/fonts/KaTeX_Main-Regular.woff2")).name
            self.assertIn(f'url("fonts/{font}")', styles)
            ours = Path(folder, storage.stored_name("chat/js/markdown/stream.js")).read_text()
            self.assertNotIn("/**", ours)
            self.assertIn(
                Path(storage.stored_name("vendor/marked/marked.esm.js")).name,
                Path(folder, storage.stored_name("chat/js/markdown/lexer.js")).read_text(),
            )
