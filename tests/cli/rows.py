"""Missing cells and weights: training, validation, evaluation."""

import json
import math
import unittest

from support.case import Case


class Rows(Case):
    def setUp(self):
        super().setUp()
        self.circles()
        self.header, *self.rows = self.read("data.csv").decode().splitlines()

    def with_weights(self, name, weights):
        lines = [f"{row},{weight}" for row, weight in zip(self.rows, weights)]
        return self.write(name, "\n".join([self.header + ",w", *lines]) + "\n")

    def test_missing_cells_are_dropped(self):
        config = self.config(data__missing="drop")
        self.good("train", config, "data.csv", "-o", "whole", "-q")
        holes = ["NA,1", "2,", ",", "nan,null"]
        self.write("holes.csv", "\n".join([self.header, *self.rows[:50], *holes, *self.rows[50:]]) + "\n")
        result = self.good("train", config, "holes.csv", "-o", "run", "-q",
                           err="flowfit: warning: holes.csv: dropped 4 rows of 124 with a missing cell\n")
        self.assertEqual(self.read("run/model.safetensors"), self.read("whole/model.safetensors"))
        self.assertEqual(result.json()["rows"] + result.json()["validation_rows"], 120)
        self.good("train", config, "data.csv", "--validation", "holes.csv", "-o", "other", "-q",
                  err="flowfit: warning: holes.csv: dropped 4 rows of 124 with a missing cell\n")
        self.good("check", config, "holes.csv", err=None)
        self.bad(3, "train", self.config("strict.json"), "holes.csv", "-o", "never", says="holes.csv:52:1 (x1): expected a number, got \"NA\"")
        self.write("worse.csv", self.header + "\n1,2\n3,abc\n")
        self.bad(3, "train", config, "worse.csv", "-o", "never", says='worse.csv:3:2 (x2): expected a number, got "abc"')
        self.write("none.csv", self.header + "\nNA,1\n,2\n")
        self.bad(3, "train", config, "none.csv", "-o", "never", says="none.csv: expected rows without missing cells, got none")

    def test_a_hole_in_a_column_that_is_not_used(self):
        self.write("more.csv", "\n".join([self.header + ",note", *(row + "," for row in self.rows)]) + "\n")
        config = self.config(data__missing="drop", data__columns=["x1", "x2"])
        self.good("train", config, "more.csv", "-o", "run", "-q")

    def test_weights_in_training_and_evaluation(self):
        weights = [(i % 4) / 2 for i in range(len(self.rows))]
        self.with_weights("weighted.csv", weights)
        config = self.config(data__weight="w", data__validation=0)
        result = self.good("train", config, "weighted.csv", "-o", "run", "-q").json()
        self.assertEqual(result["rows"], 90)  # those of weight 0 are not there
        self.assertEqual(json.loads(self.read("run/config.json"))["data"]["columns"], ["x1", "x2"])

        scores = self.good("logprob", "run", "weighted.csv", "-q").numbers()
        total = sum(weights)
        mean = sum(w * s for w, s in zip(weights, scores)) / total
        n = sum(w > 0 for w in weights)
        error = math.sqrt(sum((w * (s - mean)) ** 2 for w, s in zip(weights, scores)) * n / (n - 1)) / total
        score = self.good("evaluate", "run", "weighted.csv").json()
        self.assertEqual((score["rows"], score["weight"]), (120, "w"))
        self.assertAlmostEqual(score["mean_logprob"], mean, places=12)
        self.assertAlmostEqual(score["standard_error"], error, places=12)
        self.assertAlmostEqual(score["nll"], result["train_nll"], places=5)
        self.assertEqual(self.good("evaluate", "run", "weighted.csv", "--weight", "w").json(), score)
        note = 'flowfit: data.csv: no column "w", which the model was trained with: the rows weigh the same\n'
        plain = self.good("evaluate", "run", "data.csv", err=note).json()
        self.assertIsNone(plain["weight"])
        self.with_weights("ones.csv", [1] * 120)
        ones = self.good("evaluate", "run", "ones.csv").json()
        self.assertEqual({**ones, "weight": None}, plain)
        self.bad(3, "evaluate", "run", "data.csv", "--weight", "v", says='no column "v"')
        self.with_weights("below.csv", [1, -1])
        self.bad(3, "evaluate", "run", "below.csv", says="below.csv: expected weights of at least 0, got w = -1")
        self.bad(3, "train", config, "below.csv", "-o", "never", says="below.csv: expected weights of at least 0, got w = -1 in row 2")
        self.with_weights("zero.csv", [0, 0])
        self.bad(3, "evaluate", "run", "zero.csv", says="expected a weight above 0, got none")
        self.bad(3, "train", config, "data.csv", "-o", "never", says='data.csv: no column "w"')

    def test_weights_of_one_train_the_same_weights(self):
        self.with_weights("ones.csv", [1] * 120)
        plain = self.good("train", self.config(), "data.csv", "-o", "plain", "-q").json()
        ones = self.good("train", self.config("w.json", data__weight="w"), "ones.csv", "-o", "ones", "-q").json()
        for key in ("train_nll", "validation_nll", "best_step"):
            self.assertEqual(ones[key], plain[key])

    def test_evaluate_leaves_bad_rows_out(self):
        self.trained()
        plain = self.good("evaluate", "run", "data.csv").json()
        self.write("holes.csv", "\n".join([self.header, "NA,1", *self.rows, "2,"]) + "\n")
        score = self.good("evaluate", "run", "holes.csv", "--invalid", "skip",
                          err="flowfit: warning: holes.csv: left out 2 rows with a cell that is no number\n").json()
        self.assertEqual(score, plain)
        self.bad(3, "evaluate", "run", "holes.csv", says="holes.csv:2:1 (x1)")
        self.bad(2, "evaluate", "run", "holes.csv", "--invalid", "nan", says="--invalid: expected one of error, skip")


if __name__ == "__main__":
    unittest.main()
