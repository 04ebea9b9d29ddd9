"""Rows 1-3 and 8-11: disks that fail, fill up or cannot be written, killed writers, and files that are in use."""

import os
import shutil
import unittest

from fault import RUN_FILES, Fault

MORE = ["--set", "train.steps=60"]


class Files(Fault):
    def start_and_goal(self):
        """A run of 40 steps in `start`, and the same of 60 in `goal`."""
        self.trained("start")
        shutil.copytree(self.path("start"), self.path("run"))
        self.good("train", "config.json", "data.csv", "-o", "goal", "-q", "-j1", *MORE)
        self.call = ["train", "config.json", "data.csv", "-o", "run", "--resume", "-q", "-j1", *MORE]
        self.whole = {name: {self.read("start/" + name), self.read("goal/" + name)} for name in ("config.json", "model.safetensors")}

    def again(self):
        shutil.rmtree(self.path("run"))
        shutil.copytree(self.path("start"), self.path("run"))

    def old_or_new(self, killed=False):
        """Both models are whole, nothing else is there, and going on ends where an untroubled run does."""
        for name, versions in self.whole.items():
            self.assertIn(self.read("run/" + name), versions)
        self.good("logprob", "run", "data.csv")
        self.good("inspect", "run/last.safetensors")
        if not killed:
            self.assertEqual(self.leftovers(), [])
        self.good(*self.call)
        self.same_model("run", "goal")
        self.assertEqual(self.files("run"), RUN_FILES)

    def fails_at_each(self, call, what, code):
        self.start_and_goal()
        count = self.calls(call, *self.call)
        self.again()
        self.assertGreaterEqual(count, 2)
        for when in range(1, count + 1):
            result = self.injected(call, what, when, *self.call)
            with self.subTest(call=call, what=what, when=when):
                self.assertEqual(result.code, code, result.err)
                if code == 6:
                    self.error_line(result, 6)
                    self.assertRegex(result.err, "run/|standard output")
                self.old_or_new(killed=code < 0)
            self.again()

    def test_01_a_write_or_sync_fails(self):
        self.needs_strace()
        for call, error in (("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO"), ("fsync", "ENOSPC")):
            self.fails_at_each(call, f"error={error}", 6)
            for name in ("start", "goal", "run"):
                shutil.rmtree(self.path(name))

    def test_01_a_first_write_fails(self):
        """In a new folder: nothing, or what --resume can go on from."""
        self.needs_strace()
        self.circles()
        call = ["train", self.config(), "data.csv", "-o", "new", "-q", "-j1"]
        self.good("train", "config.json", "data.csv", "-o", "goal", "-q")
        for name in ("write", "fsync"):
            count = self.calls(name, *call)
            shutil.rmtree(self.path("new"))
            for when in range(1, count + 1):
                result = self.injected(name, "error=ENOSPC", when, *call)
                with self.subTest(call=name, when=when):
                    self.error_line(result, 6)
                    self.assertEqual(self.leftovers(), [])
                    if self.path("new").exists():
                        self.assertIn("last.safetensors", self.files("new"))
                    if self.path("new/model.safetensors").exists():
                        self.good("logprob", "new", "data.csv")
                    self.good(*call, "--resume")
                    self.same_model("new", "goal")
                shutil.rmtree(self.path("new"))

    def test_02_a_rename_fails(self):
        self.needs_strace()
        self.fails_at_each("rename", "error=EACCES", 6)

    def test_03_killed_while_writing(self):
        self.needs_strace()
        for call in ("write", "fsync", "rename"):
            self.fails_at_each(call, "signal=KILL", -9)
            for name in ("start", "goal", "run"):
                shutil.rmtree(self.path(name))

    def test_08_file_size_limit(self):
        self.trained()
        before = self.files()
        for setting in ("", "trap '' XFSZ;"):
            result = self.shell(f'{setting} ulimit -f 8; exec "$FLOWFIT" sample run -n 100000 -o big.csv')
            self.error_line(result, 6, "big.csv", "File too large")
            self.assertEqual(self.files(), before)
        result = self.shell('ulimit -f 1; exec "$FLOWFIT" train config.json data.csv -o second -q')
        self.error_line(result, 6, "second/")
        self.assertEqual(self.files(), before)

    def test_08_disk_full_in_mid_run(self):
        self.needs_mounts()
        self.circles()
        self.config("large.json", flow=[{"type": "coupling", "univariate": {"type": "spline"}, "net": {"hidden": [64, 64]}}])
        result = self.mounted("size=64k", '"$FLOWFIT" train large.json data.csv -o disk/run -q; code=$?; ls -A disk disk/run >&2; exit $code')
        self.assertEqual(result.code, 6, result.err)
        first, *rest = result.err.splitlines()
        self.assertRegex(first, "^flowfit: error: disk/run/.*: cannot write: No space left on device$")
        self.assertNotIn(".tmp-", "\n".join(rest))
        self.trained()
        result = self.mounted("size=64k", '"$FLOWFIT" sample run -n 1000000000 -o disk/big.csv; code=$?; ls -A disk; exit $code')
        self.error_line(result, 6, "disk/big.csv", "No space left on device")
        self.assertEqual(result.out, "")

    def test_09_output_that_cannot_be_written(self):
        """Known before the first of so many steps that the test would never end."""
        self.trained()
        self.config("endless.json", train__steps=1000000000)
        self.write("file", "")
        self.bad(6, "train", "endless.json", "data.csv", "-o", "file/run", "-q", says="file")
        self.bad(6, "sample", "run", "-n", "4000000000", "-o", "nowhere/out.csv", says=("nowhere/out.csv", "No such file"))
        self.bad(6, "logprob", "run", "-", "-o", "nowhere/out.csv", says="nowhere/out.csv", stdin="x1,x2\n1,2\n")
        if os.geteuid() == 0:
            self.needs_mounts()
            for folder in ("disk", "disk/run"):
                result = self.mounted("ro", f'exec "$FLOWFIT" train endless.json data.csv -o {folder}')
                self.error_line(result, 6, folder, "Read-only file system")
        else:
            self.path("disk").mkdir()
            self.path("disk").chmod(0o555)
            for folder in ("disk", "disk/run"):
                self.bad(6, "train", "endless.json", "data.csv", "-o", folder, "-q", says=(folder, "Permission denied"))

    def test_10_output_is_the_input(self):
        self.trained()
        before = self.read("data.csv")
        os.link(self.path("data.csv"), self.path("hard.csv"))
        self.path("soft.csv").symlink_to("data.csv")
        for name in ("data.csv", "hard.csv", "soft.csv", "./run/../data.csv"):
            for command in ("logprob", "encode", "decode"):
                self.bad(2, command, "run", "data.csv", "-o", name, says="is the input")
        self.bad(2, "sample", "run", "-n", "1", "-o", "run/model.safetensors", says="is the input")
        self.assertEqual(self.read("data.csv"), before)

    def test_11_two_trainings_in_one_folder(self):
        self.circles()
        self.config("endless.json", train__steps=1000000000)
        first = self.start("train", "endless.json", "data.csv", "-o", "run", "-v")
        first.stderr.readline()
        for more in ([], ["--resume"], ["--force"]):
            self.bad(2, "train", "endless.json", "data.csv", "-o", "run", "-q", *more, says="another training writes into this folder")
        self.assertIsNone(first.poll())


if __name__ == "__main__":
    unittest.main()
