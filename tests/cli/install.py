"""`cmake --install` into a folder of its own: the program there runs, with its manual pages, completions, configs and data."""

import gzip
import pathlib
import subprocess
import unittest

from support.case import BINARY, Case
from help import COMMANDS

BUILD = pathlib.Path(BINARY).parent


class Install(Case):
    def test_installed_tree(self):
        if not (BUILD / "cmake_install.cmake").exists():
            self.skipTest(f"{BUILD} is no build folder")
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", self.path("usr")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        share = self.path("usr/share")
        pages = {f"flowfit-{command}.1.gz" for command in COMMANDS} | {"flowfit.1.gz"}
        self.assertEqual({page.name for page in (share / "man/man1").iterdir()}, pages)
        for name in pages:
            self.assertIn(b"\n.SH SYNOPSIS\n", gzip.decompress((share / "man/man1" / name).read_bytes()))
        for shell, file in (("bash", "bash-completion/completions/flowfit"), ("zsh", "zsh/vendor-completions/_flowfit"),
                            ("fish", "fish/vendor_completions.d/flowfit.fish")):
            self.assertEqual((share / file).read_text(), self.good("completion", shell).out)
        for file in ("changelog.gz", "copyright", "README.md", "docs/commands.md"):
            self.assertTrue((share / "doc/flowfit" / file).exists(), file)

        def installed(*arguments):
            ran = subprocess.run([self.path("usr/bin/flowfit"), *arguments], capture_output=True, text=True, cwd=self.folder)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            return ran.stdout

        self.assertEqual(installed("--version"), self.good("--version").out)
        installed("train", share / "flowfit/configs/circles.json", share / "flowfit/data/circles.csv", "-o", "run", "-q",
                  "--set", "train.steps=5")
        self.assertEqual(installed("sample", "run", "-n", "7").count("\n"), 8)


if __name__ == "__main__":
    unittest.main()
