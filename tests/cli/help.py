"""Help texts, versions, and calls that are not quite right."""

import unittest

from support.case import Case

COMMANDS = ["init", "train", "cv", "check", "sample", "impute", "logprob", "evaluate", "compare", "encode", "decode", "inspect", "plot",
            "report", "manual", "completion"]


class Help(Case):
    def test_overview(self):
        for call in (["--help"], ["-h"], ["help"]):
            result = self.good(*call)
            self.assertIn("usage: flowfit COMMAND", result.out)
            for command in COMMANDS:
                self.assertIn(f"\n  {command} ", result.out)

    def test_every_command(self):
        for command in COMMANDS:
            result = self.good(command, "--help")
            self.assertTrue(result.out.startswith(f"usage: flowfit {command} "))
            self.assertIn("\nExample", result.out)
            self.assertIn("--threads", result.out)
            for call in (["--help", command], ["help", command], [command, "a", "b", "-h", "--nonsense"]):
                self.assertEqual(self.good(*call).out, result.out)
            self.assertLessEqual(max(map(len, result.lines())), 130)

    def test_examples_in_the_help_parse(self):
        """Each example's flags are known to the command that shows it."""
        for command in COMMANDS:
            for line in self.good(command, "--help").lines():
                for call in line.split("|"):
                    if not call.strip().startswith("flowfit ") or "DIR" in call:
                        continue
                    words = call.split(">")[0].split()[1:]
                    result = self.flowfit(*words)
                    self.assertNotIn("unknown", result.err, line)
                    self.assertNotIn("unexpected", result.err, line)

    def test_version(self):
        self.assertRegex(self.good("--version").out, r"^flowfit \d+\.\d+\.\d+ \(.+, .+\)\n(commit [0-9a-f]+\+?\n)?with Eigen [\d.]+, .*no BLAS\n$")
        self.assertEqual(self.good("train", "--version").out, self.good("--version").out)

    def test_empty_call(self):
        result = self.flowfit()
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertEqual(result.err, self.good("--help").out)
        self.bad(2, "-q", says="expected a command")

    def test_did_you_mean(self):
        self.bad(2, "trian", "a", "b", says=('unknown command "trian"', 'did you mean "train"?'))
        self.bad(2, "xyzzy", says=("known:", "train", "inspect"))
        self.bad(2, "train", "a", "b", "--tim-limit", "3", says=('"--tim-limit"', 'did you mean "--time-limit"?'))
        self.bad(2, "train", "a", "b", "--sede=3", says=('unknown option "--sede"', 'did you mean "--seed"?'))
        self.bad(2, "inspect", "m", "--jsn", says='did you mean "--json"?')
        self.bad(2, "inspect", "m", "--thread", "3", says='did you mean "--threads"?')
        self.bad(2, "--json", "inspect", "m", says="after the command's name")
        self.bad(2, "manual", "trian", says=('got "trian"', "flowfit --help"))
        self.bad(2, "inspect", "m", "-z", says="flowfit inspect --help")

    def test_arguments(self):
        self.bad(2, "train", says="expected CONFIG and DATA")
        self.bad(2, "train", "c.json", says="expected DATA")
        self.bad(2, "logprob", "a", "b", "c", says=('unexpected argument "c"', "flowfit logprob --help"))
        self.bad(2, "sample", "m", "-n", says="--count: expected a value")
        self.bad(2, "sample", "m", "-n", "1", "-n", "2", says="--count: expected once")
        self.bad(2, "inspect", "m", "--json=3", says="--json: expected no value")
        for threads in ("0", "-1", "two", "1.5", "99999"):
            self.bad(2, "inspect", "m", "-j", threads, says=("--threads", "[1, 1024]", f'"{threads}"'))
        self.bad(2, "inspect", "m", "-q", "-v", says="--quiet")

    def test_set_takes_one_value(self):
        """CLI11 would give it the positional after it as well."""
        self.circles()
        self.good("train", "--set", "train.steps=2", self.config(), "data.csv", "-q")
        self.good("train", "--set=train.steps=2", "config.json", "data.csv", "-q", "--force", "--set", "train.seed=3")

    def test_common_flags_before_and_after(self):
        run = self.trained()
        expected = self.good("logprob", run, "data.csv").out
        self.assertEqual(self.good("-q", "-j", "2", "logprob", run, "data.csv").out, expected)
        self.assertEqual(self.good("logprob", "-j2", run, "-v", "data.csv").out, expected)


if __name__ == "__main__":
    unittest.main()
