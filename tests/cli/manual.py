"""Manual pages and completions: made from the help texts, for every command, and understood by man and the shells."""

import pathlib
import re
import shutil
import subprocess
import unittest

from support.case import BINARY, Case
from help import COMMANDS

SOURCES = pathlib.Path(__file__).parents[2] / "app/commands"


def options_of(text):
    """The flags that a help text explains."""
    rows = [line.strip().split("  ")[0] for line in text.splitlines() if re.match(r" +-", line)]
    return {word.rstrip(",") for row in rows for word in row.split() if word.startswith("-")}


class Manual(Case):
    def pages(self):
        self.good("manual", "-o", "man/man1")
        return {path.stem: path.read_text() for path in self.path("man/man1").iterdir()}

    def test_every_command_has_a_page(self):
        pages = self.pages()
        self.assertEqual(sorted(pages), sorted(["flowfit"] + [f"flowfit-{command}" for command in COMMANDS]))
        for name, page in pages.items():
            heads = re.findall(r"^\.SH (.*)$", page, re.M)
            self.assertEqual(
                heads, ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"], name)
            call = ["manual"] if name == "flowfit" else ["manual", name.removeprefix("flowfit-")]
            self.assertEqual(self.good(*call).out, page)
            if name != "flowfit":
                self.assertIn(f"flowfit {call[1]} ", page)
                for option in options_of(self.good(call[1], "--help").out):
                    self.assertIn(option.replace("-", "\\-"), page, name)

    def test_roff_is_clean(self):
        if not shutil.which("groff"):
            self.skipTest("no groff here")
        for name, page in self.pages().items():
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=page.encode(), capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, b""), name)

    def test_mandoc_is_content(self):
        if not shutil.which("mandoc"):
            self.skipTest("no mandoc here")
        self.pages()
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *self.path("man/man1").iterdir()], capture_output=True)
        # The date is left empty so that pages do not change from day to day, and the other pages are not installed here.
        lines = [line for line in done.stdout.decode().splitlines() if "missing date" not in line]
        self.assertEqual(lines, [])

    def test_mistakes(self):
        self.bad(2, "manual", "train", "-o", "man", says="--output")
        self.write("file", "")
        self.bad(6, "manual", "-o", "file/man1", says="file/man1")
        self.bad(2, "completion", says="bash, zsh or fish")
        self.bad(2, "completion", "bsh", says='did you mean "bash"?')

    def test_declared_options_are_explained(self):
        """What a command takes is in its help text, from which all this is made; and the other way."""
        for command in COMMANDS:
            declared = set()
            for flags in re.findall(r'options\.(?:flag|value|values)\("([^"]+)"', (SOURCES / f"{command}.cpp").read_text()):
                declared.update(flags.split(","))
            text = self.good(command, "--help").out
            own = options_of(text[:text.index("Options of every command")])
            self.assertEqual(own, declared, command)


class Completion(Case):
    def bash(self, line):
        """What bash offers after `line`."""
        words = line.split(" ")
        script = 'source <("$FLOWFIT" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _flowfit; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], capture_output=True, cwd=self.folder,
                              env=self.environment(FLOWFIT=BINARY), timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return sorted(done.stdout.decode().split())

    def test_bash(self):
        self.assertEqual(self.bash("flowfit "), sorted(COMMANDS + ["help"]))
        self.assertEqual(self.bash("flowfit tr"), ["train"])
        self.assertEqual(self.bash("flowfit help sa"), ["sample"])
        self.assertEqual(self.bash("flowfit -q manual in"), ["init", "inspect"])
        self.assertEqual(self.bash("flowfit completion "), ["bash", "fish", "zsh"])
        self.assertEqual(self.bash("flowfit train --res"), ["--resume"])
        self.assertEqual(self.bash("flowfit train c.json d.csv --time"), ["--time-limit"])
        self.assertEqual(self.bash("flowfit --thr"), ["--threads"])
        self.assertEqual(self.bash("flowfit train d"), [])  # files, by the default of bash
        self.assertEqual(self.bash("flowfit sample m -o "), [])
        self.assertEqual(self.bash("flowfit logprob m d.csv --invalid "), ["error", "nan", "skip"])
        self.assertEqual(self.bash("flowfit evaluate m d.csv --invalid s"), ["skip"])
        self.assertEqual(self.bash("flowfit plot m --what p"), ["pairs", "pit"])
        self.assertEqual(self.bash("flowfit train d.csv --progress ba"), ["bar"])
        for command in COMMANDS:
            self.assertEqual(set(self.bash(f"flowfit {command} -")), options_of(self.good(command, "--help").out), command)

    def check_shell(self, shell, *parse):
        script = self.good("completion", shell).out
        for command in COMMANDS:
            self.assertRegex(script, rf"\b{command}\b")
            for option in options_of(self.good(command, "--help").out):
                self.assertIn(option if shell == "zsh" else option.lstrip("-"), script)
        if not shutil.which(shell):
            self.skipTest(f"no {shell} here: its script is only looked through")
        done = subprocess.run([shell, *parse], input=script.encode(), capture_output=True, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_zsh(self):
        self.check_shell("zsh", "-f", "-n", "/dev/stdin")

    def test_fish(self):
        self.check_shell("fish", "--no-execute", "/dev/stdin")
        self.write("script", self.good("completion", "fish").out)
        done = subprocess.run(["fish", "-N", "-c", "source script; complete -C 'flowfit trai'; complete -C 'flowfit train --resu'; complete -C 'flowfit plot m --what co'"],
                              capture_output=True, cwd=self.folder, env=self.environment(HOME=str(self.folder)))
        self.assertEqual(re.findall(r"^\S+", done.stdout.decode(), re.M), ["train", "--resume", "coverage"], done.stderr)


if __name__ == "__main__":
    unittest.main()
