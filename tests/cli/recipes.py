"""docs/recipes.md, run: each `$ command` of a section, in a folder with data/ and configs/, prints what stands below it but for its numbers.

A line `...` stands for any lines. A new recipe is a section with a ```console block; the test finds it by itself."""

import os
import pathlib
import re
import subprocess
import unittest

from support.case import BINARY, Case

ROOT = pathlib.Path(__file__).parents[2]
NUMBER = r"-?\b\d+(?:\.\d+)?(?:e[-+]?\d+)?\b"


def sections():
    """[(title, [(command, expected lines)])]"""
    for section in re.split(r"^## ", (ROOT / "docs/recipes.md").read_text(), flags=re.M)[1:]:
        calls = []
        for block in re.findall(r"^```console\n(.*?)^```", section, re.M | re.S):
            for call in re.split(r"^\$ ", block, flags=re.M)[1:]:
                lines = call.splitlines()
                here = next((i + 1 for i, line in enumerate(lines) if line in ("EOF",)), 1)
                while lines[here - 1].endswith("\\"):
                    here += 1
                calls.append(("\n".join(lines[:here]), lines[here:]))
        yield section.splitlines()[0], calls


def pattern(lines):
    """What the output must match: text to the letter, a number for a number."""
    parts = []
    for line in lines:
        pieces = re.split(f"({NUMBER})", line)
        text = "".join(NUMBER if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
        parts.append(r"(?:.*\n)*?" if line == "..." else re.sub(r"(?:\\ )+", r"\\s+", text) + r"\n")
    return "".join(parts) + r"\Z"


class Recipes(Case):
    def test_recipes(self):
        os.symlink(ROOT / "data", self.path("data"))
        os.symlink(ROOT / "configs", self.path("configs"))
        found = list(sections())
        self.assertGreaterEqual(len(found), 4)
        mark = "@@ end of a command @@"
        for title, calls in found:
            self.assertTrue(calls, title)
            # One shell a recipe, so that variables and $? live on; what was printed so far is cut at the marks.
            script = "".join(f'(exit $status)\n{command}\nstatus=$?; echo "{mark}"\n' for command, _ in calls)
            path = f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"
            done = subprocess.run(["bash", "-c", "exec 2>&1; status=0\n" + script], capture_output=True, text=True, cwd=self.folder,
                                  env=self.environment(PATH=path), timeout=120)
            outputs = done.stdout.split(mark + "\n")[:-1]
            self.assertEqual(len(outputs), len(calls), done.stdout)
            for (command, expected), output in zip(calls, outputs):
                self.assertRegex(output, r"\A" + pattern(expected), f"{title}: {command}")


if __name__ == "__main__":
    unittest.main()
