"""A test that runs the real binary (environment variable FLOWFIT) in a temporary folder of its own."""

import json
import math
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import unittest

BINARY = os.path.abspath(
    os.environ.get("FLOWFIT") or pathlib.Path(__file__).parents[3] / "build/release/flowfit")

# AddressSanitizer maps terabytes: limits on memory say nothing there.
SANITIZED = b"__asan_init" in pathlib.Path(BINARY).read_bytes() if os.path.exists(BINARY) else False

CONFIG = {
    "data": {"validation": 0.2},
    "flow": [
        {"type": "coupling", "univariate": {"type": "spline", "bins": 4, "bound": 4.0}, "net": {"hidden": [8]}},
        {"type": "permutation"},
        {"type": "elementwise", "univariate": {"type": "affine"}},
    ],
    "train": {"optimizer": {"learning_rate": 0.02}, "steps": 40, "evaluate_every": 10},
}

# A job in the background of a script ignores SIGINT, and so would the programs that it starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def lines(self):
        return self.out.splitlines()

    def numbers(self, column=0):
        """A column of the CSV on stdout."""
        return [float(line.split(",")[column]) for line in self.lines()[1:]]

    def json(self):
        return json.loads(self.out)


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="flowfit-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def path(self, name):
        return self.folder / name

    def write(self, name, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_bytes(data)
        return name

    def read(self, name):
        return self.path(name).read_bytes()

    def files(self, name="."):
        """All that lies in a folder, hidden files too."""
        return sorted(str(p.relative_to(self.path(name))) for p in self.path(name).rglob("*"))

    def environment(self, **changes):
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
        env.update(changes)
        return env

    def flowfit(self, *arguments, stdin=b"", **options):
        """Runs to the end; stdin is bytes or text."""
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
            cwd=self.folder, env=options.pop("env", self.environment()), timeout=60, **options)
        return Result(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    def start(self, *arguments, **options):
        """Runs on; the caller waits for it or signals it."""
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)], stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=self.folder, env=self.environment(), **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def shell(self, script):
        done = subprocess.run(["bash", "-c", script], capture_output=True, cwd=self.folder, timeout=60,
                              env=self.environment(FLOWFIT=BINARY))
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    # What must be so.

    def good(self, *arguments, err="", **options):
        """Exit 0, with nothing on stderr but `err` (None: anything)."""
        result = self.flowfit(*arguments, **options)
        self.assertEqual(result.code, 0, result.err)
        if err is not None:
            self.assertEqual(result.err, err)
        return result

    def bad(self, code, *arguments, says=(), lines=1, **options):
        """Exit `code`, nothing on stdout, and `lines` lines on stderr that hold each text of `says`."""
        result = self.flowfit(*arguments, **options)
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.err.splitlines()), lines, result.err)
        for line in result.err.splitlines():
            self.assertRegex(line, "^flowfit: (error|warning): ")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, result.err)
        return result

    # Things to run on.

    def circles(self, name="data.csv", rows=120, seed=1):
        draw = random.Random(seed)
        lines = ["x1,x2"]
        for _ in range(rows):
            radius, angle = draw.choice((0.5, 1.0)) + draw.gauss(0, 0.05), draw.uniform(0, 2 * math.pi)
            lines.append(f"{radius * math.cos(angle):.6f},{radius * math.sin(angle):.6f}")
        return self.write(name, "\n".join(lines) + "\n")

    def config(self, name="config.json", **changes):
        """CONFIG with `key__inner=value` changed."""
        config = json.loads(json.dumps(CONFIG))
        for key, value in changes.items():
            at = config
            *path, last = key.split("__")
            for part in path:
                at = at.setdefault(part, {})
            at[last] = value
        return self.write(name, json.dumps(config))

    def trained(self, folder="run", **changes):
        """A run folder, trained on circles for a moment."""
        self.good("train", self.config(**changes), self.circles(), "-o", folder, "-q")
        return folder

    def conditional(self, folder="given"):
        """A model of y given x."""
        draw = random.Random(2)
        rows = []
        for _ in range(100):
            x = draw.gauss(0, 1)
            rows.append(f"{x:.6f},{2 * x + draw.gauss(0, 0.3):.6f}")
        self.write("pairs.csv", "x,y\n" + "\n".join(rows) + "\n")
        config = {
            "data": {"columns": ["y"], "context": ["x"], "validation": 0},
            "flow": [{"type": "elementwise", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}],
            "train": {"optimizer": {"learning_rate": 0.05}, "steps": 60},
        }
        self.write("given.json", json.dumps(config))
        self.good("train", "given.json", "pairs.csv", "-o", folder, "-q")
        return folder


SIGPIPE_DEATH = -signal.SIGPIPE
