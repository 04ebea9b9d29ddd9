"""train: what it writes, which setting wins, and what it refuses before it begins."""

import json
import unittest

from support.case import Case

RUN_FILES = ["config.json", "last.safetensors", "metrics.jsonl", "model.safetensors"]


class Train(Case):
    def test_run_folder_and_last_line(self):
        self.circles()
        result = self.good("train", self.config(), "data.csv", "-o", "run", err=None)
        last = json.loads(result.lines()[-1])
        self.assertEqual(last["run"], "run")
        self.assertEqual(last["model"], "run/model.safetensors")
        self.assertEqual(last["steps"], 40)
        self.assertEqual((last["rows"], last["validation_rows"]), (96, 24))
        for key in ("train_nll", "validation_nll", "gaussian_nll", "mixture_nll", "seconds"):
            self.assertIsInstance(last[key], float)
        for name in RUN_FILES:
            self.assertIn(name, self.files("run"))
        metrics = [json.loads(line) for line in self.read("run/metrics.jsonl").splitlines()]
        self.assertEqual([m["step"] for m in metrics], [10, 20, 30, 40])
        self.assertEqual(set(metrics[0]),
                         {"step", "train_nll", "validation_nll", "learning_rate", "gradient_norm", "seconds"})
        for line in result.err.splitlines():
            self.assertTrue(line.startswith("flowfit: "), line)
        self.assertNotIn("\r", result.err)
        self.assertNotIn("\x1b", result.err)

    def test_default_folder_is_named_after_the_config(self):
        self.circles()
        result = self.good("train", self.config("small.json"), "data.csv", "-q")
        self.assertEqual(json.loads(result.out)["run"], "runs/small")
        self.assertIn("model.safetensors", self.files("runs/small"))

    def test_quiet_keeps_the_json_line(self):
        self.circles()
        self.assertEqual(len(self.good("train", self.config(), "data.csv", "-q").lines()), 1)

    def test_which_setting_wins(self):
        """default < file < --set < named flag"""
        self.circles()
        self.config(train__seed=5)
        self.good("train", "--set", "train.seed=6", "--set", "train.steps=3", "config.json", "data.csv", "-o", "a", "-q",
                  "--set", "train.optimizer.learning_rate=0.125", "--seed", "7")
        train = json.loads(self.read("a/config.json"))["train"]
        self.assertEqual(train["seed"], 7)
        self.assertEqual(train["steps"], 3)
        self.assertEqual(train["optimizer"]["learning_rate"], 0.125)
        self.assertEqual(train["optimizer"]["type"], "adam")  # a default, written out

    def test_baselines(self):
        """A normal is beaten on circles, and without validation rows there is nothing to score; evaluate has them from the file."""
        last = json.loads(self.good("train", self.config(), self.circles(), "-o", "run", "-q").out)
        self.assertLess(last["mixture_nll"], last["gaussian_nll"])
        self.assertGreater(last["gaussian_nll"], 0.8)
        score = self.good("evaluate", "run", "data.csv").json()
        self.assertAlmostEqual(score["gain_over_gaussian"], score["gaussian_nll"] - score["nll"], places=9)
        self.assertAlmostEqual(score["gain_over_mixture"], score["mixture_nll"] - score["nll"], places=9)
        last = json.loads(self.good("train", "config.json", "data.csv", "--set", "data.validation=0", "-o", "all", "-q").out)
        self.assertIsNone(last["gaussian_nll"])
        self.assertIsNotNone(self.good("evaluate", "all", "data.csv").json()["gaussian_nll"])

    def test_init(self):
        """Fine-tuning: the start is the other model, its preprocessing too, and another flow or other columns are refused."""
        self.trained("first", train__steps=60)
        nll = self.good("evaluate", "first", "data.csv").json()["nll"]
        self.circles("other.csv", seed=2)
        begin = ["train", "config.json", "other.csv", "--init", "first", "-q", "--set", "train.optimizer.learning_rate=1e-9"]
        self.good(*begin, "--set", "train.steps=1", "-o", "second")
        self.assertAlmostEqual(self.good("evaluate", "second", "data.csv").json()["nll"], nll, places=4)
        self.good(*begin, "--set", "train.steps=1", "--set", "train.dtype=float64", "-o", "wider")
        self.good(*begin, "--set", "train.steps=1", "-o", "again", "-j3")
        self.assertEqual(self.read("again/model.safetensors"), self.read("second/model.safetensors"))
        self.bad(2, *begin, "--set", "flow.0.net.hidden=[9]", "-o", "never", says=("--init", "another flow", "config.json of its run"))
        self.bad(2, *begin, "--set", 'data.columns=["x2","x1"]', "-o", "never", says=("--init", "expected a model of x2, x1", "got one of x1, x2"))
        self.assertFalse(self.path("never").exists())
        self.good(*begin, "--set", "train.steps=3", "-o", "third", "--resume")
        self.good(*begin, "--set", "train.steps=3", "-o", "third", "--resume")
        # What goes on keeps the units it began with, --init or not.
        self.good("train", "config.json", "other.csv", "-q", "--set", "train.optimizer.learning_rate=1e-9", "--set", "train.steps=4", "-o", "third", "--resume")
        units = [self.good("inspect", run, "--json").json()["columns"] for run in ("first", "third")]
        self.assertEqual(units[0], units[1])
        self.bad(2, *begin, "--set", "data.preprocess=quantile", "-o", "never", says=("--init", "preprocessing", 'column "x1"'))

    def test_threads_and_stdin_change_no_byte(self):
        data = self.circles()
        self.config()
        self.good("train", "config.json", data, "-o", "one", "-q", "-j", "1")
        self.good("-j3", "train", "config.json", data, "-o", "three", "-q")
        self.good("train", "config.json", "-", "-o", "stdin", "-q", "-j2", stdin=self.read(data))
        self.assertEqual(self.read("one/model.safetensors"), self.read("three/model.safetensors"))
        self.assertEqual(self.read("one/model.safetensors"), self.read("stdin/model.safetensors"))

    def test_validation_file(self):
        self.circles()
        self.circles("other.csv", rows=50, seed=9)
        result = self.good("train", self.config(), "data.csv", "--validation", "other.csv", "-o", "run", "-q")
        last = json.loads(result.out)
        self.assertEqual((last["rows"], last["validation_rows"]), (120, 50))

    def test_only_the_named_columns_are_read(self):
        rows = self.read(self.circles()).decode().splitlines()
        self.write("wide.csv", "\n".join(["name," + rows[0]] + ["some text," + row for row in rows[1:]]) + "\n")
        self.config(data__columns=["x1", "x2"])
        self.good("train", "config.json", "wide.csv", "-o", "wide", "-q")
        self.good("train", "config.json", "data.csv", "-o", "plain", "-q")
        self.assertEqual(self.read("wide/model.safetensors"), self.read("plain/model.safetensors"))

    def test_weights_count_in_the_baselines_too(self):
        rows = self.read(self.circles()).decode().split()
        self.write("weighted.csv", rows[0] + ",w\n" + "".join(f"{row},{0.2 + 4 * (i % 3)}\n" for i, row in enumerate(rows[1:])))
        self.config(data__weight="w", data__validation=0)
        last = self.good("train", "config.json", "weighted.csv", "--validation", "weighted.csv", "-o", "run", "-q").json()
        scores = self.good("evaluate", "run", "weighted.csv").json()
        for key in ("gaussian_nll", "mixture_nll"):
            self.assertAlmostEqual(last[key], scores[key], places=9)
        # Rows that weigh nothing do not count in held-out means either: these are far from all others.
        self.write("far.csv", rows[0] + ",w\n" + "".join(f"{row},1\n{40 + i},{-40 - i},0\n" for i, row in enumerate(rows[1:])))
        self.assertLess(self.good("cv", "config.json", "far.csv", "--folds", "2", "-q").json()["nll"], 5)

    def test_a_flow_that_a_mixture_beats_is_told(self):
        self.circles(rows=300)
        self.config(train__steps=1)
        result = self.good("train", "config.json", "data.csv", "-o", "run", err=None)
        self.assertIn("flowfit: the flow scores the validation rows worse than a", result.err)

    def test_time_limit_keeps_the_model(self):
        self.circles()
        result = self.good("train", self.config(train__steps=100000000), "data.csv", "-o", "run", "-q", "--time-limit", "0.3")
        self.assertEqual(json.loads(result.out)["stopped"], "time_limit")
        self.good("logprob", "run", "data.csv")

    def test_a_folder_with_a_run_is_refused(self):
        self.trained()
        before = self.read("run/model.safetensors")
        self.bad(2, "train", "config.json", "data.csv", "-o", "run", "--seed", "3", "-q", says=("run", "--resume", "--force"))
        self.assertEqual(self.read("run/model.safetensors"), before)
        self.good("train", "config.json", "data.csv", "-o", "run", "--seed", "3", "--force", "-q")
        self.assertNotEqual(self.read("run/model.safetensors"), before)

    def test_data_that_is_an_output_is_refused(self):
        self.circles("run/metrics.jsonl")
        self.bad(2, "train", self.config(), "run/metrics.jsonl", "-o", "run", "-q", says="run/metrics.jsonl")
        self.assertEqual(self.files("run"), ["metrics.jsonl"])

    def test_a_failure_leaves_nothing(self):
        self.circles()
        self.config()
        self.bad(6, "train", "config.json", "data.csv", "-q", "-o", "new/folder/" + "a" * 300, says="cannot create the folder")
        self.assertFalse(self.path("new").exists())
        self.write("text.csv", "x1,x2\n1,2\n3,abc\n")
        self.bad(3, "train", self.config(), "text.csv", "-o", "run", "-q", says=("text.csv:3:2 (x2)", '"abc"'))
        self.bad(2, "train", self.config(train__stepz=3), self.circles(), "-o", "run", "-q", says=("/train/stepz", "steps"))
        self.assertFalse(self.path("run").exists())

    def test_all_mistakes_at_once_and_before_a_large_table_is_read(self):
        self.write("broken.csv", "x1,x2\n1,2\n3,abc\n")
        self.config(flow=[{"type": "coupling", "univariate": {"type": "spline", "bins": 1}, "net": {"hiden": [8]}},
                          {"type": "permutatoin"}])
        self.bad(2, "train", "config.json", "broken.csv", "-o", "run", "-q", lines=3,
                 says=("/flow/0/univariate/bins: must be in [2, 256], got 1", "/flow/0/net/hiden", '"hidden"',
                       "/flow/1/type", '"permutation"'))

    def test_header_of_numbers_is_told(self):
        self.write("bare.csv", "\n".join(self.read(self.circles()).decode().splitlines()[1:]) + "\n")
        result = self.flowfit("train", self.config(), "bare.csv", "-o", "run", "-q")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("flowfit: warning: bare.csv: the first row looks like data", result.err)

    def test_plain_progress(self):
        self.circles()
        result = self.good("train", self.config(), "data.csv", "-o", "run", "--progress", "plain", err=None)
        self.assertIn("flowfit: done: step 40", result.err)
        self.bad(2, "train", "config.json", "data.csv", "-o", "b", "--progress", "fancy", says=("--progress", '"fancy"', "plain"))


if __name__ == "__main__":
    unittest.main()
