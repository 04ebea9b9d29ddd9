"""The README and the pages of docs/, run: each `$ command`, in a folder with data/, configs/ and scripts/, prints what stands below it but for its
numbers.

A line `...` stands for any lines. A ```json block below a line that names `NAME.json` is that file. A new example is a ```console block."""

import os
import pathlib
import re
import subprocess
import unittest

from support.case import BINARY, SANITIZED, Case

ROOT = pathlib.Path(__file__).parents[2]
NUMBER = r"-?\b\d+(?:\.\d+)?(?:e[-+]?\d+)?\b"
# What another instruction set's last bits may decide besides a number: how a training ends, and which tensor is the least exact.
LOOSE = rf'(?<="stopped":)"\w+"|(?<=most at )\S+|{NUMBER}'


def calls(text):
    """[(command, expected lines)] of a page"""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for call in re.split(r"^\$ ", block, flags=re.M)[1:]:
            lines = call.splitlines()
            here = next((i + 1 for i, line in enumerate(lines) if line in ("EOF",)), 1)
            while lines[here - 1].endswith("\\"):
                here += 1
            found.append(("\n".join(lines[:here]), lines[here:]))
    return found


def pattern(command, lines):
    """What the output must match: text to the letter, a number for a number but for an exit code."""
    parts = []
    for at, line in enumerate(lines):
        if "$?" in command and at + 1 == len(lines):
            parts.append(re.escape(line) + r"\n")
            continue
        pieces = re.split(f"({LOOSE})", line)
        text = "".join((NUMBER if re.fullmatch(NUMBER, piece) else r"\S+?") if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
        parts.append(r"(?:.*\n)*?" if line == "..." else re.sub(r"(?:\\ )+", r"\\s+", text) + r"\n")
    return "".join(parts) + r"\Z"


class Pages(Case):
    def page(self, name):
        # Elsewhere whole trainings, which take some minutes under a sanitizer and run the same code as the other tests.
        if SANITIZED and name not in ("docs/recipes.md", "docs/config.md"):
            self.skipTest("too long under a sanitizer")
        text = (ROOT / name).read_text()
        for linked in ("data", "configs", "scripts"):
            os.symlink(ROOT / linked, self.path(linked))
        for file, content in re.findall(r"`(\w+\.json)`[^\n]*\n\n```json\n(.*?)^```", text, re.M | re.S):
            self.write(file, content)
        found = calls(text)
        self.assertGreaterEqual(len(found), 2, name)
        # One shell a page, so that variables and $? live on; what was printed so far is cut at the marks.
        mark = "@@ end of a command @@"
        script = "".join(f'(exit $status)\n{command}\nstatus=$?; echo "{mark}"\n' for command, _ in found)
        path = f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", "exec 2>&1; status=0\n" + script], capture_output=True, text=True, cwd=self.folder,
                              env=self.environment(PATH=path), timeout=900)
        outputs = done.stdout.split(mark + "\n")[:-1]
        self.assertEqual(len(outputs), len(found), done.stdout)
        for (command, expected), output in zip(found, outputs):
            self.assertRegex(output, r"\A" + pattern(command, expected), f"{name}: {command}")

    def test_every_page_with_commands_is_run(self):
        pages = [page for folder in (ROOT, ROOT / "docs") for page in folder.glob("*.md") if "```console" in page.read_text()]
        self.assertEqual({page.stem.lower().replace("-", "_") for page in pages},
                         {name[len("test_run_"):] for name in dir(self) if name.startswith("test_run_")})

    def test_run_readme(self):
        self.page("README.md")

    def test_run_coming_from_pyro(self):
        self.page("docs/coming-from-pyro.md")

    def test_run_commands(self):
        self.page("docs/commands.md")

    def test_run_config(self):
        self.page("docs/config.md")

    def test_run_recipes(self):
        self.page("docs/recipes.md")


if __name__ == "__main__":
    unittest.main()
