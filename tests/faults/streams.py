"""Rows 6, 7 and 36: readers that leave, a full standard output, and output that is no terminal."""

import json
import signal
import unittest

from fault import SIGPIPE_DEATH, Fault
from pipes import CALLS


class Streams(Fault):
    def setUp(self):
        super().setUp()
        self.trained()

    def test_06_the_reader_leaves(self):
        before = self.files()
        result = self.shell('"$FLOWFIT" sample run -n 1000000000 | head -n 2; echo ${PIPESTATUS[0]}')
        self.assertEqual((result.lines()[0], result.lines()[2], result.err), ("x1,x2", str(128 + signal.SIGPIPE), ""))
        process = self.start("sample", "run", "-n", "1000000000")
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual((process.wait(timeout=20), process.stderr.read()), (SIGPIPE_DEATH, b""))
        self.assertEqual(self.files(), before)

    def test_07_standard_output_fails(self):
        for call in CALLS:
            with open("/dev/full", "wb") as full:
                self.error_line(self.flowfit(*call, stdout=full), 6, "standard output: cannot write: No space left on device")
        result = self.shell("""trap '' PIPE; "$FLOWFIT" sample run -n 1000000000 | head -n 1; exit ${PIPESTATUS[0]}""")
        self.error_line(result, 6, "standard output: cannot write: Broken pipe")

    def test_36_no_terminal(self):
        call = ("train", "config.json", "data.csv", "-o", "other", "--force")
        for more in ((), ("-v",), ("-q",), ("--progress", "plain"), ("--progress", "auto"), ("--progress", "none")):
            result = self.good(*call, *more, err=None, env=self.environment(TERM="xterm-256color"))
            for text in (result.out, result.err):
                self.assertNotIn("\r", text)
                self.assertNotIn("\x1b", text)
            self.assertEqual(len(result.lines()), 1)
            self.assertEqual(json.loads(result.out)["steps"], 40)
        for json_call in (("inspect", "run", "--json"), ("check", "run", "--json"), ("check", "config.json", "data.csv", "--json"),
                          ("evaluate", "run", "data.csv")):
            self.assertIsInstance(self.good(*json_call).json(), dict)


if __name__ == "__main__":
    unittest.main()
