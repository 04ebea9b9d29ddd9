"""Row 37: the inputs that the fuzzers keep, through the real binary: an answer or a line, never a crash."""

import os
import pathlib
import unittest

from fault import CORPUS, SANITIZED, Fault


class Inputs(Fault):
    def answers(self, codes, *arguments, **options):
        result = self.flowfit(*arguments, **options)
        self.assertIn(result.code, codes, (arguments, result.err))
        if result.code != 0:
            self.assertRegex(result.err, "^flowfit: (error|warning): ")
        return result.code

    def inputs(self, target):
        files = sorted(pathlib.Path(CORPUS / target).iterdir())
        self.assertGreater(len(files), 4)
        return files[:: 4 if SANITIZED and len(files) > 20 else 1]

    def test_37_kept_inputs(self):
        self.trained()
        seen = set()
        for file in self.inputs("csv"):
            self.write("table.csv", file.read_bytes()[1:])
            seen.add(self.answers((0, 3), "evaluate", "run", "table.csv"))
        for file in self.inputs("npy"):
            self.write("table.npy", file.read_bytes()[1:])
            seen.add(self.answers((0, 3), "evaluate", "run", "table.npy"))
        for file in self.inputs("config"):
            self.write("any.json", file.read_bytes())
            seen.add(self.answers((0, 2), "check", "any.json"))
        for file in self.inputs("model"):
            seen.add(self.answers((0, 3, 4), "logprob", file, stdin="a,b,c\n1,2,3\n"))
        for file in self.inputs("assign"):
            assignment = os.fsdecode(file.read_bytes().split(b"\0")[0])
            seen.add(self.answers((0, 2, 3), "train", "config.json", "data.csv", "-q", "--force", "--set", "train.steps=1", "--set", assignment))
        self.assertEqual(seen, {0, 2, 3, 4})


if __name__ == "__main__":
    unittest.main()
