"""Where the output goes: closed pipes, a full disk, terminals."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from support.case import BINARY, SANITIZED, SIGPIPE_DEATH, Case

CALLS = [
    ["--help"], ["--version"], ["sample", "run", "-n", "3"], ["logprob", "run", "data.csv"], ["evaluate", "run", "data.csv"],
    ["encode", "run", "data.csv"], ["decode", "run", "data.csv"], ["inspect", "run"], ["inspect", "run", "--json"],
    ["check", "run"], ["check", "config.json", "data.csv"], ["train", "config.json", "data.csv", "-o", "run", "--resume", "-q"],
]
CALLS += [[command, "--help"] for command in ("train", "check", "sample", "logprob", "evaluate", "encode", "decode", "inspect")]


class Pipes(Case):
    def setUp(self):
        super().setUp()
        self.trained()

    def test_full_disk(self):
        for call in CALLS:
            with open("/dev/full", "wb") as full:
                result = self.flowfit(*call, stdout=full)
            self.assertEqual(result.code, 6, call)
            self.assertEqual(result.err, "flowfit: error: standard output: cannot write: No space left on device\n", call)
        self.bad(6, "sample", "run", "-n", "3", "-o", "/dev/full", says="/dev/full")

    def test_reader_that_leaves(self):
        result = self.shell('"$FLOWFIT" sample run -n 1000000000 | head -n 2; echo ${PIPESTATUS[0]}')
        self.assertEqual(result.err, "")
        self.assertEqual(result.lines()[0], "x1,x2")
        self.assertEqual(result.lines()[2], str(128 + signal.SIGPIPE))
        process = self.start("sample", "run", "-n", "1000000000")
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=20), SIGPIPE_DEATH)
        self.assertEqual(process.stderr.read(), b"")

    def test_reader_that_leaves_with_sigpipe_ignored(self):
        result = self.shell("""trap '' PIPE; "$FLOWFIT" sample run -n 1000000000 | head -n 1; echo ${PIPESTATUS[0]}""")
        self.assertEqual(result.lines(), ["x1,x2", "6"])
        self.assertEqual(result.err, "flowfit: error: standard output: cannot write: Broken pipe\n")

    def test_closed_streams(self):
        result = self.shell('"$FLOWFIT" sample run -n 3 2>&-; echo $?')
        self.assertEqual(result.lines()[-1], "0")
        self.assertEqual(len(result.lines()), 5)
        result = self.shell('"$FLOWFIT" sample run -n 3 >&-; echo $?')
        self.assertEqual(result.lines(), ["6"])
        result = self.shell('"$FLOWFIT" logprob run <&-; echo $?')
        self.assertEqual(result.lines(), ["6"])

    def test_file_size_limit(self):
        result = self.shell("""trap '' XFSZ; ulimit -f 8; "$FLOWFIT" sample run -n 100000 -o big.csv; echo $?""")
        self.assertEqual(result.lines(), ["6"])
        self.assertIn("big.csv", result.err)
        self.assertEqual([name for name in self.files() if "big" in name], [])

    @unittest.skipIf(SANITIZED, "limits memory")
    def test_fewer_threads_than_asked_for(self):
        expected = self.good("sample", "run", "-n", "500").out
        result = self.shell('ulimit -v 200000; "$FLOWFIT" sample run -n 500 -j 200')
        self.assertEqual((result.code, result.out, result.err), (0, expected, ""))

    def test_interrupted_output_leaves_no_file(self):
        before = self.files()
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("sample", "run", "-n", "1000000000", "-o", "big.csv")
            limit = time.monotonic() + 20
            while self.files() == before and time.monotonic() < limit:
                time.sleep(0.005)
            self.assertNotEqual(self.files(), before)
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=20), -number)
            self.assertEqual((process.stdout.read(), process.stderr.read()), (b"", b""))
            self.assertEqual(self.files(), before)

    def on_a_terminal(self, *arguments, columns=100, **environment):
        """What a terminal of that width receives on stderr; the code; stdout."""
        try:
            controller, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f"this machine gives no terminal: {error}")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal,
                                   cwd=self.folder, env=self.environment(**environment))
        os.close(terminal)
        seen, limit = b"", time.monotonic() + 30
        while time.monotonic() < limit:
            ready, _, _ = select.select([controller], [], [], 0.2)
            if not ready:
                if process.poll() is not None:
                    break
                continue
            try:
                part = os.read(controller, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        out, _ = process.communicate(timeout=20)
        os.close(controller)
        return seen.decode(), process.returncode, out.decode()

    def test_bar_on_a_terminal(self):
        self.config("long.json", train__steps=100000000)
        call = ("train", "long.json", "data.csv", "-o", "bar", "--force", "--time-limit", "1")
        for width in (30, 60, 120):
            seen, code, out = self.on_a_terminal(*call, columns=width, TERM="xterm", NO_COLOR="1", LC_ALL="C")
            self.assertEqual((code, len(out.splitlines())), (0, 1), seen)
            pictures = [part.split("\x1b[K")[0] for part in seen.split("\r")[1:] if "%" in part.split("\x1b[K")[0]]
            self.assertGreater(len(pictures), 2)
            self.assertLess(len(pictures), 16)  # at most some ten a second
            for picture in pictures:
                self.assertLess(len(picture), width)
                self.assertRegex(picture, r"^ *\d+%")
            self.assertEqual("train " in pictures[-1], width > 30)
            self.assertEqual("steps/s" in pictures[-1], width > 100)
            self.assertIn("flowfit: time is up", seen.split("\x1b[K")[-1])  # wiped before the last line
            self.assertNotIn("\x1b[3", seen)
        seen, _, _ = self.on_a_terminal(*call, TERM="xterm", LC_ALL="C.UTF-8")
        self.assertIn("\x1b[36m", seen)
        self.assertIn("━", seen)
        seen, _, _ = self.on_a_terminal(*call, TERM="xterm", CLICOLOR="0")
        self.assertIn("%", seen)
        self.assertNotIn("\x1b[3", seen)

    def test_no_bar(self):
        self.config("long.json", train__steps=100000000)
        call = ("train", "long.json", "data.csv", "-o", "bar", "--force", "--time-limit", "0.4")
        for extra, environment in ((["--progress", "plain"], {"TERM": "xterm"}), (["--progress", "none"], {"TERM": "xterm"}),
                                   ([], {"TERM": "dumb"}), (["-q"], {"TERM": "xterm"})):
            seen, code, _ = self.on_a_terminal(*call, *extra, **environment)
            self.assertEqual(code, 0)
            self.assertNotIn("\x1b", seen)
            self.assertNotIn("\r", seen.replace("\r\n", "\n"))
            self.assertEqual(seen == "", "-q" in extra, seen)


if __name__ == "__main__":
    unittest.main()
