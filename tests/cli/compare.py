"""compare: the paired difference of two models, the verdict and its exit code; cv: scores on folds held out."""

import json
import math
import unittest

from support.case import Case


class Compare(Case):
    def setUp(self):
        super().setUp()
        self.trained("bad", train__steps=1)
        self.trained("good", train__steps=150)

    def test_the_difference_is_that_of_the_scores(self):
        a = self.good("logprob", "bad", "data.csv").numbers()
        b = self.good("logprob", "good", "data.csv").numbers()
        differences = [y - x for x, y in zip(a, b)]
        mean = sum(differences) / len(differences)
        error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (len(differences) - 1) / len(differences))
        result = self.good("compare", "bad", "good", "data.csv", "--json")
        found = result.json()
        self.assertEqual(found["rows"], 120)
        self.assertAlmostEqual(found["mean_logprob_b"] - found["mean_logprob_a"], mean, places=12)
        self.assertAlmostEqual(found["difference"], mean, places=12)
        self.assertAlmostEqual(found["standard_error"], error, places=12)
        low, high = found["interval"]
        self.assertAlmostEqual(low, mean - 1.96 * error, delta=0.4 * error)
        self.assertAlmostEqual(high, mean + 1.96 * error, delta=0.4 * error)
        self.assertEqual((found["verdict"], found["level"]), ("better", 0.95))
        self.assertEqual(self.good("compare", "bad", "good", "-", "--json", "-j3", stdin=self.read("data.csv")).out, result.out)

    def test_other_categories_are_not_compared(self):
        kinds = [{"name": "k", "kind": "categorical"}, "x"]
        for name, texts in (("two", "ab"), ("three", "acb")):
            self.write(name + ".csv", "k,x\n" + "".join(f"{texts[i % len(texts)]},{i % 7}\n" for i in range(42)))
            self.good("train", self.config(name + ".json", data__columns=kinds, flow=[]), name + ".csv", "-o", name, "-q")
        self.bad(2, "compare", "two", "three", "two.csv", says='column "k" has other categories in A than in B')
        self.good("compare", "two", "two", "two.csv")

    def test_exit_7_when_b_is_worse_by_more_than_the_tolerance(self):
        found = self.flowfit("compare", "good", "bad", "data.csv", "--json")
        self.assertEqual((found.code, found.json()["verdict"]), (7, "worse"))
        self.assertEqual(self.flowfit("compare", "good", "bad", "data.csv", "--tolerance", "0.001").code, 7)
        self.good("compare", "good", "bad", "data.csv", "--tolerance", "50")
        equal = self.good("compare", "good", "good", "data.csv").lines()
        self.assertEqual(equal[0], "120 rows, nats a row")
        self.assertEqual(equal[-1], "B is no worse")

    def test_columns_in_another_order_and_other_columns(self):
        self.good("train", self.config("turned.json", data__columns=["x2", "x1"], train__steps=150), "data.csv", "-o", "turned", "-q")
        turned = self.good("logprob", "turned", "data.csv").numbers()
        found = self.good("compare", "bad", "turned", "data.csv", "--json").json()
        self.assertAlmostEqual(found["mean_logprob_b"], sum(turned) / len(turned), places=12)
        self.conditional()
        self.bad(2, "compare", "good", "given", "data.csv", says=("the same columns", "x1, x2 and y"))
        # A model that looks at a context against one that does not: what is given is read for the one that wants it.
        config = json.loads(self.read("given.json"))
        config["data"]["context"] = []
        config["flow"][0].pop("net")
        self.write("alone.json", json.dumps(config))
        self.good("train", "alone.json", "pairs.csv", "-o", "alone", "-q")
        found = self.good("compare", "alone", "given", "pairs.csv", "--json").json()
        self.assertEqual(found["verdict"], "better")
        self.write("both.json", json.dumps({**config, "data": {"columns": ["x"], "context": []}}))

    def test_rows_outside_the_support(self):
        config = {"data": {"preprocess": "none", "validation": 0}, "train": {"steps": 5},
                  "flow": [{"type": "elementwise", "univariate": {"type": "affine"}}]}
        self.write("positive.csv", "x\n1\n2\n3\n4\n")
        self.write("line.json", json.dumps(config))
        self.write("half.json", json.dumps({**config, "flow": [*config["flow"], {"type": "exp"}]}))
        for name in ("line", "half"):
            self.good("train", f"{name}.json", "positive.csv", "-o", name, "-q")
        result = self.flowfit("compare", "line", "half", "-", "--json", stdin="x\n1\n-1\n")
        self.assertEqual(result.code, 7)
        self.assertEqual([result.json()[k] for k in ("difference", "outside_support_a", "outside_support_b")], [None, 0, 1])
        self.assertIn("a density of zero", self.good("compare", "half", "line", "-", stdin="x\n1\n-1\n").out)

    def test_usage(self):
        self.bad(2, "compare", "good", "bad", says="FILE after A and B")
        self.bad(2, "compare", "good", "bad", "data.csv", "--tolerance", "-1", says="--tolerance")
        self.bad(3, "compare", "good", "bad", "-", stdin="x1,x2\n", says="header only")


class CrossValidation(Case):
    def test_folds(self):
        self.circles(rows=90)
        self.config()
        result = self.good("cv", "config.json", "data.csv", "--folds", "3", "-q", "-o", "runs")
        found = result.json()
        self.assertEqual((found["rows"], [f["rows"] for f in found["folds"]]), (90, [30, 30, 30]))
        scores = [f["nll"] for f in found["folds"]]
        mean = sum(scores) / 3
        self.assertAlmostEqual(found["nll"], mean, places=12)
        self.assertAlmostEqual(found["standard_error"], math.sqrt(sum((s - mean) ** 2 for s in scores) / 2 / 3), places=12)
        self.assertLess(scores[0] - found["folds"][0]["train_nll"], 5)
        # Every row is held out once: the folds' means are those of rows that their runs did not train on.
        self.assertEqual(sum(json.loads(self.read(f"runs/fold{k}/metrics.jsonl").splitlines()[-1])["step"] for k in (1, 2, 3)), 120)
        again = self.good("cv", "config.json", "data.csv", "--folds", "3", "-q", "-j3").json()
        for one, other in zip(found["folds"], again["folds"]):
            self.assertEqual((one["nll"], one["train_nll"]), (other["nll"], other["train_nll"]))
            self.assertNotIn("run", other)
        other = self.good("cv", "config.json", "data.csv", "--folds", "3", "-q", "--seed", "9").json()
        self.assertNotEqual(other["nll"], found["nll"])

    def test_nothing_is_kept(self):
        self.circles(rows=30)
        self.config(train__steps=3)
        self.path("tmp").mkdir()
        self.good("cv", "config.json", "data.csv", "--folds", "2", "-q", env=self.environment(TMPDIR=str(self.path("tmp"))))
        self.assertEqual(self.files("tmp"), [])
        self.assertEqual(self.files(), ["config.json", "data.csv", "tmp"])

    def test_refused(self):
        self.circles(rows=7)
        self.config()
        self.bad(3, "cv", "config.json", "data.csv", "--folds", "4", "-q", says="at least 8 rows for 4 folds, got 7")
        self.bad(2, "cv", "config.json", "data.csv", "--folds", "1", says="--folds")
        self.bad(2, "cv", "config.json", "data.csv", "--set", "train.step=3", says="/train/step")


if __name__ == "__main__":
    unittest.main()
