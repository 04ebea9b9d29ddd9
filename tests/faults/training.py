"""Rows 4, 5, 12 and 31: trainings that are killed, stopped, taken up again, and that leave the numbers."""

import json
import random
import signal
import time
import unittest

from fault import RUN_FILES, Fault

AFFINE = {"type": "elementwise", "univariate": {"type": "affine", "scale": "exp"}}


class Training(Fault):
    def test_04_killed_twenty_times(self):
        """At random times, some of them while it writes, each time on another number of threads."""
        self.circles()
        self.config(train__steps=20000, train__evaluate_every=7, train__batch_size=32, train__ema=0.9)
        started = time.monotonic()
        self.good("train", "config.json", "data.csv", "-o", "whole", "-q", "-j1")
        seconds = time.monotonic() - started
        draw, kills, at_checkpoint = random.Random(4), 0, set()
        while kills < 20:
            call = ("train", "config.json", "data.csv", "-o", "run", "--resume", "-q", "-j", draw.choice("123"))
            process = self.start(*call)
            time.sleep(draw.uniform(0.01, seconds / 40))
            if draw.random() < 0.75:  # a checkpoint is under way when the kill comes, or just done
                process.send_signal(signal.SIGINT)
                time.sleep(draw.uniform(0, 0.01))
            process.kill()
            code = process.wait(timeout=20)
            self.end(process)
            self.assertIn(code, (-signal.SIGKILL, -signal.SIGINT, 130))
            kills += code == -signal.SIGKILL
            if self.path("run/model.safetensors").exists():
                at_checkpoint.add(self.read("run/model.safetensors"))
                self.good("logprob", "run", "data.csv")
        self.assertNotIn(self.read("whole/model.safetensors"), at_checkpoint)
        self.good("train", "config.json", "data.csv", "-o", "run", "--resume", "-q", "-j2")
        self.same_model("run", "whole")
        self.assertEqual(self.files("run"), RUN_FILES)
        self.assertEqual([line["step"] for line in self.metrics("run")], [line["step"] for line in self.metrics("whole")])

    def long_steps(self):
        """A training whose steps take a while, in its first of them."""
        self.circles(rows=20000)
        self.config(train__steps=1000000, train__batch_size="full", data__validation=0,
                    flow=[{"type": "autoregressive", "univariate": {"type": "spline"}, "net": {"hidden": [256, 256]}}])
        process = self.start("train", "config.json", "data.csv", "-o", "run", "-j1")
        process.stderr.readline()
        time.sleep(0.1)
        return process

    def noticed(self, process):
        """Waits until SIGINT is no longer caught: two that come before the process runs again are one to it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status = self.path(f"/proc/{process.pid}/status").read_text()
            caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), 16)
            if not caught >> signal.SIGINT - 1 & 1:
                return
            time.sleep(0.001)
        self.fail("SIGINT was not noticed")

    def test_05_stopped_by_signals(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.long_steps()
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, err)
            self.assertEqual(json.loads(out.splitlines()[-1])["stopped"], "interrupted")
            self.assertIn(b"--resume", err)
            self.assertEqual(self.files("run"), RUN_FILES)
            self.good("logprob", "run", stdin="x1,x2\n0,0\n")
            self.shell("rm -r run")
        # Asked twice, it does not wait for the end of a step.
        process = self.long_steps()
        process.send_signal(signal.SIGINT)
        self.noticed(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (-signal.SIGINT, b""), err)

    def test_12_resumed_with_something_else(self):
        self.trained()
        before = {name: self.read("run/" + name) for name in self.files("run")}
        self.circles("other.csv", seed=5)
        call = ["train", "config.json", "data.csv", "-o", "run", "--resume", "-q"]
        self.bad(3, "train", "config.json", "other.csv", *call[3:], says=("other.csv: expected the data that the run in", "crc32:"))
        self.bad(2, *call, "--set", "train.optimizer.learning_rate=0.5", says=("/train/optimizer/learning_rate", "0.02", "0.5"))
        self.bad(2, *call, "--set", "flow.0.net.hidden=[9]", says=("/flow/0/net/hidden", "8", "9"))
        self.bad(2, *call, "--seed", "1", says="/train/seed")
        self.assertEqual({name: self.read("run/" + name) for name in self.files("run")}, before)
        self.assertEqual(json.loads(self.good(*call, "--set", "train.steps=50").out)["steps"], 50)

    def thin(self, far):
        """Rows of deviation 0.01 with one, the 41st, at `far`; not standardized: a fit scales them up by 100."""
        draw = random.Random(1)
        rows = [f"{draw.gauss(0, 0.01):.6f},{draw.gauss(0, 0.01):.6f}" for _ in range(96)]
        rows[40] = f"{far},0"
        self.write("thin.csv", "x1,x2\n" + "\n".join(rows) + "\n")
        self.write("more.csv", "x1,x2\n" + "\n".join(rows[:40]) + "\n")
        self.config(flow=[{"type": "permutation"}, AFFINE], data={"preprocess": "none", "validation": 0}, train__evaluate_every=1,
                    train__batch_size=4, train__gradient_clip=1, train__optimizer__learning_rate=0.3)

    def diverges(self, *arguments):
        """Three tries, then exit 5; returns the last line."""
        result = self.flowfit("train", "config.json", "thin.csv", "-o", "run", *arguments)
        self.assertEqual((result.code, result.out), (5, ""), result.err)
        self.assertEqual(result.err.count(": back to step "), 3, result.err)
        last = result.err.splitlines()[-1]
        for text in ("expected a finite loss and gradient", "after 3 tries at half the rate each", "train.optimizer.learning_rate"):
            self.assertIn(text, last)
        return last

    def test_31_diverged(self):
        # One row overflows once the fit has come near the others: the row and the place are named, the model before is kept.
        self.thin(1e19)
        for arguments, member in (((), ""), (("--validation", "more.csv"), ""), (("--set", "ensemble=2"), r"members\.[01]\.")):
            last = self.diverges(*arguments)
            self.assertRegex(last, rf"got no finite score at {member}base for x1 = 1e\+19, x2 = 0 \(row 41 of the training part\)")
            self.assertIn(", is kept in run", last)
            self.good("logprob", "run", "more.csv")
            training = self.good("inspect", "run", "--json").json()["training"]
            self.assertEqual(training["stopped"], "diverged")
            self.assertGreater(training["best_step"], 0)
            self.bad(5, "train", "config.json", "thin.csv", "-o", "run", "--resume", "-q", *arguments, says="row 41")
            self.shell("rm -r run")
        # The very first step leaves the numbers at any rate. What it had written is taken back.
        self.thin(0)
        last = self.diverges("--set", "train.optimizer.learning_rate=3e38", "--set", "train.batch_size=96")
        self.assertRegex(last, r"no finite score at flow.1 for x1 = \S+, x2 = \S+ \(row 1 of the training part, the first of 96\)")
        self.assertIn("the best model before, of step 0, is kept in run", last)
        self.assertNotIn("inf", self.good("logprob", "run", "more.csv").out)

    def test_31_mended_by_a_lower_rate(self):
        self.thin(0)
        result = self.good("train", "config.json", "thin.csv", "-o", "run", "--set", "train.optimizer.learning_rate=4e17", err=None)
        self.assertIn("back to step 0, learning rate times 0.5", result.err)
        self.assertLess(self.metrics("run")[-1]["learning_rate"], 4e17)
        self.good("logprob", "run", "more.csv")


if __name__ == "__main__":
    unittest.main()
