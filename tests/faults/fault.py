"""What the tests of faults share: the tools that inject them, and a skip that says why where a machine has none."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "cli"))  # before the library, which has a `pipes` too

from support.case import BINARY, SANITIZED, SIGPIPE_DEATH, Case, Result  # noqa: E402, F401

CORPUS = pathlib.Path(__file__).parents[1] / "fuzz" / "corpus"
RUN_FILES = ["config.json", "last.safetensors", "metrics.jsonl", "model.safetensors"]


class Fault(Case):
    """One method a row of docs/reliability.md, `test_<row>_<what>`."""

    def needs_strace(self):
        """Skips where system calls cannot be made to fail."""
        if not shutil.which("strace"):
            self.skipTest("no strace on this machine")
        if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine does not let strace look")

    def needs_mounts(self):
        """Skips where no file system can be mounted for one process."""
        if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
            self.skipTest("mounting a tmpfs needs root")

    def needs_memory_limits(self):
        if SANITIZED:
            self.skipTest("a sanitizer maps terabytes: limits on memory say nothing")

    def injected(self, call, what, when, *arguments):
        """The program under strace: its `when`-th system call `call` has the fault `what` (error=ENOSPC, signal=KILL)."""
        done = subprocess.run(
            ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}", BINARY,
             *map(str, arguments)],
            capture_output=True, cwd=self.folder, timeout=60, env=self.environment(ASAN_OPTIONS="detect_leaks=0"))
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def calls(self, call, *arguments):
        """How often the program makes this system call."""
        done = subprocess.run(
            ["strace", "-f", "-o", "calls.log", "-e", f"trace={call}", BINARY, *map(str, arguments)],
            capture_output=True, cwd=self.folder, timeout=60, env=self.environment(ASAN_OPTIONS="detect_leaks=0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return sum(f" {call}(" in line for line in self.read("calls.log").decode().splitlines())

    def mounted(self, options, script):
        """A bash script with a tmpfs on the folder `disk`, seen by it alone."""
        self.path("disk").mkdir(exist_ok=True)
        return self.shell(f"exec unshare -m bash -c 'mount -t tmpfs -o {options} none disk || exit 99; {script}'")

    def leftovers(self, folder="."):
        """Temporaries of the program's own."""
        return [name for name in self.files(folder) if ".tmp-" in name]

    def metrics(self, run):
        return [json.loads(line) for line in self.read(run + "/metrics.jsonl").splitlines()]

    def same_model(self, a, b):
        self.assertEqual(self.read(a + "/model.safetensors"), self.read(b + "/model.safetensors"))

    def error_line(self, result, code, *says):
        """Exit `code`, and one error line with each text of `says`."""
        self.assertEqual(result.code, code, result.err)
        self.assertEqual([line[:16] for line in result.err.splitlines()], ["flowfit: error: "], result.err)
        for text in says:
            self.assertIn(text, result.err)
