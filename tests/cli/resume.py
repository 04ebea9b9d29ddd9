"""train --resume and signals: an interrupted run ends in the same bytes as one that was left alone."""

import json
import signal
import time
import unittest

from support.case import Case


class Resume(Case):
    def interrupt(self, number, steps=3000):
        """Trains until there is a checkpoint, signals, and returns code, stdout and stderr."""
        self.config(train__steps=steps, train__evaluate_every=5)
        self.circles()
        process = self.start("train", "config.json", "data.csv", "-o", "run", "-j", "1")
        limit = time.monotonic() + 20
        while not self.path("run/last.safetensors").exists() and time.monotonic() < limit:
            time.sleep(0.005)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        return process.returncode, out.decode(), err.decode()

    def test_interrupted_and_resumed_is_uninterrupted(self):
        code, out, err = self.interrupt(signal.SIGINT)
        self.assertEqual(code, 130, err)
        first = json.loads(out.splitlines()[-1])
        self.assertEqual(first["stopped"], "interrupted")
        self.assertLess(first["steps"], 3000)
        self.assertIn("--resume", err)
        self.good("logprob", "run", "data.csv")
        second = json.loads(self.good("train", "config.json", "data.csv", "-o", "run", "--resume", "-q").out)
        self.assertEqual(second["steps"], 3000)
        whole = json.loads(self.good("train", "config.json", "data.csv", "-o", "whole", "-q").out)
        self.assertEqual(self.read("run/model.safetensors"), self.read("whole/model.safetensors"))
        self.assertEqual((second["train_nll"], second["validation_nll"]), (whole["train_nll"], whole["validation_nll"]))
        steps = [[json.loads(line)["step"] for line in self.read(run + "/metrics.jsonl").splitlines()] for run in ("run", "whole")]
        self.assertEqual(steps[0], steps[1])

    def test_interrupted_waits_for_no_baselines(self):
        """They take long to fit in a table of many columns; the checkpoint is what was promised."""
        self.circles()
        process = self.start("train", self.config(train__steps=10**7), "data.csv", "-o", "run", "-q")
        while not self.path("run/last.safetensors").exists():
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        self.assertIsNone(self.good("evaluate", "run", "data.csv").json()["gaussian_nll"])

    def test_terminated(self):
        code, out, err = self.interrupt(signal.SIGTERM, steps=1000000)
        self.assertEqual(code, 143, err)
        self.assertEqual(json.loads(out.splitlines()[-1])["stopped"], "interrupted")
        self.good("inspect", "run")

    def test_killed_and_resumed(self):
        code, _, _ = self.interrupt(signal.SIGKILL, steps=600)
        self.assertEqual(code, -signal.SIGKILL)
        for name in ("model.safetensors", "last.safetensors", "config.json"):  # as if the signal had come within a write
            self.write("run/.%s.tmp-1" % name, b"cut")
        self.good("train", "config.json", "data.csv", "-o", "run", "--resume", "-q")
        self.good("train", "config.json", "data.csv", "-o", "whole", "-q")
        self.assertEqual(self.read("run/model.safetensors"), self.read("whole/model.safetensors"))
        self.assertEqual([name for name in self.files("run") if "tmp" in name], [])

    def test_finished_run_is_left_alone(self):
        self.trained()
        before = {name: self.read("run/" + name) for name in self.files("run")}
        result = self.good("train", "config.json", "data.csv", "-o", "run", "--resume", "-q")
        self.assertEqual(json.loads(result.out)["steps"], 40)
        self.assertEqual({name: self.read("run/" + name) for name in self.files("run")}, before)

    def test_resume_starts_what_is_not_there(self):
        self.circles()
        self.good("train", self.config(), "data.csv", "-o", "new", "--resume", "-q")
        self.good("train", "config.json", "data.csv", "-o", "plain", "-q")
        self.assertEqual(self.read("new/model.safetensors"), self.read("plain/model.safetensors"))

    def test_more_steps(self):
        self.trained()
        self.good("train", "config.json", "data.csv", "-o", "run", "--resume", "-q", "--set", "train.steps=60")
        self.good("train", "config.json", "data.csv", "-o", "whole", "-q", "--set", "train.steps=60")
        self.assertEqual(self.read("run/model.safetensors"), self.read("whole/model.safetensors"))

    def test_other_data_or_config(self):
        self.trained()
        before = self.read("run/last.safetensors")
        self.circles("other.csv", seed=5)
        self.bad(3, "train", "config.json", "other.csv", "-o", "run", "--resume", "-q", "--set", "train.steps=60", says="other.csv")
        self.bad(2, "train", "config.json", "data.csv", "-o", "run", "--resume", "-q", "--set", "train.optimizer.learning_rate=0.5",
                 says="learning_rate")
        self.bad(2, "train", "config.json", "data.csv", "-o", "run", "--resume", "--force", says="--force")
        self.assertEqual(self.read("run/last.safetensors"), before)


if __name__ == "__main__":
    unittest.main()
