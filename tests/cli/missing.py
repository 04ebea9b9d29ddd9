"""Missing cells that are integrated out: what a training gains by them, what is scored, and what is refused."""

import json
import math
import random
import unittest

from support.case import Case
from support.npy import npy

ORDERED = [{"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}]


def mean(values):
    return sum(values) / len(values)


class Missing(Case):
    """y = x + noise, and y is missing in most rows with x > 0: the rows that are whole are not like the others."""

    def setUp(self):
        super().setUp()
        draw = random.Random(3)
        self.rows = []
        for _ in range(1500):
            x = draw.gauss(0, 1)
            y = x + draw.gauss(0, 0.5)
            self.rows.append((x, y if draw.random() < (0.1 if x > 0 else 0.9) else math.nan))
        self.write("t.csv", "x,y\n" + "".join(f"{x:.6f},{'' if math.isnan(y) else f'{y:.6f}'}\n" for x, y in self.rows))

    def fit(self, folder, missing="marginalize", data="t.csv", err="", flags=(), settings=None, **changes):
        config = {"data": {"columns": ["x", "y"], "missing": missing, "validation": 0.2, **(settings or {})}, "flow": ORDERED,
                  "train": {"steps": 150, "optimizer": {"learning_rate": 0.05}}}
        config.update(changes)
        self.write(folder + ".json", json.dumps(config))
        return self.good("train", folder + ".json", data, "-o", folder, "-q", "--force", *flags, err=err)

    def test_what_is_there_trains(self):
        whole = sum(not math.isnan(y) for _, y in self.rows)
        for flow, base in ((ORDERED, "normal"), ([], "multivariate_normal"), ([], "mixture_normal")):
            summary = self.fit("run", flow=flow, base={"type": base, **({"components": 2} if "mix" in base else {})}, train={
                "steps": 300, "optimizer": {"learning_rate": 0.02}}).json()
            self.assertEqual(summary["rows"] + summary["validation_rows"], 1500)
            drawn = self.good("sample", "run", "-n", "4000")
            self.assertAlmostEqual(mean(drawn.numbers(0)), 0, delta=0.12, msg=base)
            self.assertAlmostEqual(mean(drawn.numbers(1)), 0, delta=0.15, msg=base)
        summary = self.fit("dropped", "drop", err=f"flowfit: warning: t.csv: dropped {1500 - whole} rows of 1500 with a missing cell\n").json()
        self.assertEqual(summary["rows"] + summary["validation_rows"], whole)
        self.assertLess(mean(self.good("sample", "dropped", "-n", "4000").numbers(0)), -0.4)

    def test_scores_are_of_what_is_there(self):
        self.fit("run")
        scores = self.good("logprob", "run", "t.csv").numbers()
        terms = self.good("logprob", "run", "t.csv", "--per-column", "-q")
        for (x, y), score, of_x, of_y in zip(self.rows, scores, terms.numbers(1), terms.numbers(2)):
            self.assertEqual(math.isnan(of_y), math.isnan(y))
            self.assertAlmostEqual(score, of_x + (0 if math.isnan(y) else of_y), places=4)
        report = self.good("evaluate", "run", "t.csv").json()
        self.assertAlmostEqual(report["mean_logprob"], mean(scores), places=9)
        # Of pairs that a normal makes, no flow gains much; baselines of the whole rows alone lose where those are not like the others.
        self.assertGreater(report["gain_over_gaussian"], 0.05)
        self.assertEqual(report["rows"], 1500)
        only = self.good("evaluate", "run", "-", "-q", stdin="x,y\n" + "".join(f"{x},{y}\n" for x, y in self.rows if not math.isnan(y))).json()
        self.assertEqual(report["base_columns"]["x"]["ks"] > 0, True)
        self.assertAlmostEqual(report["base_columns"]["x"]["ks"], only["base_columns"]["x"]["ks"], places=3)
        ranks = self.good("logprob", "run", "t.csv", "--pvalue", err=None)
        missing = sum(math.isnan(y) for _, y in self.rows)
        self.assertIn(f"t.csv: no p-value for {missing} rows with a missing cell", ranks.err)
        self.assertEqual(sum(math.isnan(p) for p in ranks.numbers(1)), missing)
        same = self.good("compare", "run", "run", "t.csv", "--json").json()
        self.assertEqual((same["rows"], same["difference"]), (1500, 0))
        self.assertEqual(self.good("logprob", "run", "-q", "--invalid", "nan", stdin="x,y\n1,\n", err=None).lines()[1], "nan")

    def test_a_row_knows_nothing_of_its_neighbours(self):
        draw = random.Random(6)
        rows = [f"{draw.gauss(0, 1)},{draw.gauss(5, 3)},{draw.gauss(0, 0.1)},{draw.gauss(9, 7) if i % 3 else ''}" for i in range(200)]
        whole = [row for row in rows if row[-1] != ","]
        self.write("four.csv", "a,b,c,d\n" + "\n".join(rows) + "\n")
        self.write("whole.csv", "a,b,c,d\n" + "\n".join(whole) + "\n")
        for flow, base in ((ORDERED, "normal"), ([], "multivariate_normal")):
            self.fit("four", data="four.csv", flow=flow, base={"type": base}, settings={"columns": list("abcd")}, train={"steps": 5})
            among = [score for row, score in zip(rows, self.good("logprob", "four", "four.csv").lines()[1:]) if row[-1] != ","]
            self.assertEqual(among, self.good("logprob", "four", "whole.csv").lines()[1:])

    def test_limits_of_an_earlier_model(self):
        positive = {"columns": ["x", {"name": "y", "kind": "positive"}]}
        self.write("p.csv", "x,y\n" + "".join(f"{i % 7},{1 + i % 5}\n{i % 7},\n" for i in range(60)))
        self.fit("old", data="p.csv", settings=positive, train={"steps": 5})
        self.write("n.csv", "x,y\n1,2\n3,\n2,-1\n4,2\n")
        self.bad(3, "train", "old.json", "n.csv", "--init", "old", "-o", "none", "-q",
                 says='n.csv: row 3: expected a number that column "y" of the model can have, got -1')
        scores = self.good("logprob", "old", "--per-column", "-q", stdin="x,y\n1,-2\n1,\n", err=None).lines()
        self.assertEqual(scores[1], "-inf,-inf,-inf")
        self.assertEqual(scores[2].split(",")[2], "nan")
        # Baselines want rows to be fitted to.
        self.write("gaps.csv", "x,y\n" + "1,\n2,\n3,\n" * 9)
        summary = self.good("train", "old.json", "gaps.csv", "--init", "old", "-o", "more", "-q").json()
        self.assertIsNone(summary["gaussian_nll"])
        self.bad(3, "train", "old.json", "gaps.csv", "-o", "none", "-q", says="expected at least 2 rows without a missing cell")

    def test_weights(self):
        self.write("w.csv", "x,y,w\n" + "".join(f"{i % 7},{i % 5 if i % 3 else ''},{1 + i % 2}\n" for i in range(60)))
        self.fit("w", data="w.csv", settings={"weight": "w"}, train={"steps": 5})
        self.good("evaluate", "w", "w.csv")
        self.bad(3, "evaluate", "w", "-", stdin="x,y,w\n1,2,1\n1,,\n", says="stdin: expected weights of at least 0, got w = nan")
        self.write("w2.csv", "x,y,w\n1,2,1\n2,3,\n3,3,1\n1,,1\n")
        self.bad(3, "train", "w.json", "w2.csv", "-o", "none", "-q", says="w = nan in row 2")

    def test_formats(self):
        self.fit("run")
        self.write("t.npy", npy(self.rows))
        scores = self.good("logprob", "run", "t.csv").numbers()
        for a, b in zip(scores, self.good("logprob", "run", "t.npy").numbers()):
            self.assertAlmostEqual(a, b, places=4)
        self.fit("memory", data="t.npy")
        self.fit("disk", data="t.npy", flags=["--stream"], err=None)
        self.assertEqual(self.read("disk/model.safetensors"), self.read("memory/model.safetensors"))

    def test_categories(self):
        draw = random.Random(8)
        pairs = [(kind, (3 if kind == "b" else -3) + draw.gauss(0, 0.5)) for kind in draw.choices("ab", k=400)]
        self.write("k.csv", "k,x,g\n" + "".join(f"{k},{x if i % 3 else ''},u\n" for i, (k, x) in enumerate(pairs)))
        kinds = [{"name": "k", "kind": "categorical"}, "x"]
        config = {"data": {"columns": kinds, "context": [{"name": "g", "kind": "categorical"}], "missing": "marginalize"},
                  "flow": ORDERED, "train": {"steps": 150, "optimizer": {"learning_rate": 0.05}}}
        self.write("k.json", json.dumps(config))
        self.good("train", "k.json", "k.csv", "-o", "kinds", "-q")
        terms = self.good("logprob", "kinds", "--per-column", "-q", stdin="k,x,g\na,,u\nb,3,u\n").lines()
        self.assertEqual(terms[0], "logprob,logprob_k,logprob_x")
        whole, of_k, of_x = terms[1].split(",")
        self.assertEqual((whole, of_x), (of_k, "nan"))
        self.assertAlmostEqual(math.exp(float(whole)), 0.5, delta=0.1)
        filled = self.good("impute", "kinds", stdin="k,x,g\na,,u\nb,,u\n", err=None)
        self.assertIn("filled 2 cells; 2 rows by exact conditional draws", filled.err)
        (_, a), (_, b) = (line.split(",")[1:] for line in filled.lines()[1:])
        self.assertLess(float(a), 0)
        self.assertGreater(float(b), 0)
        self.assertEqual([line.split(",")[:2] for line in filled.lines()], [["g", "k"], ["u", "a"], ["u", "b"]])
        self.bad(3, "logprob", "kinds", stdin="k,x,g\na,1,\n", says='stdin: row 1: expected a value for "g", got a missing cell')
        self.bad(3, "train", "k.json", "-", "-o", "none", "-q", stdin="k,x,g\n,1,u\n" + "a,2,u\nb,3,u\n" * 20,
                 says='row 1: expected "k" where "x" is there')

    def test_folds(self):
        self.fit("run")
        result = self.good("cv", "run.json", "t.csv", "--folds", "2", "--set", "train.steps=30", "-q").json()
        self.assertEqual(result["rows"], 1500)
        self.assertLess(result["nll"], 3)

    def test_refusals(self):
        self.fit("run")
        self.write("gap.csv", "x,y\n1,2\n,1\n")
        for arguments in (("logprob", "run", "gap.csv"), ("evaluate", "run", "gap.csv"), ("compare", "run", "run", "gap.csv"),
                          ("train", "run.json", "gap.csv", "-o", "none", "-q"), ("check", "run.json", "gap.csv")):
            self.write("gap.csv", "x,y\n1,2\n3,1\n1,1.5\n2,3\n,1\n")
            self.bad(3, *arguments, says='gap.csv: row 5: expected "x" where "y" is there, since it looks at it, got a missing cell')
        self.assertNotIn("none", [p.name for p in self.folder.iterdir()])
        self.bad(3, "logprob", "run", stdin="x,y\n1,2\n,\n", says="stdin: row 2: expected a row with a cell that is there")
        self.bad(3, "logprob", "run", stdin="x,y\n1,abc\n", says="stdin:2:")
        self.write("few.csv", "x,y\n1,2\n1,\n2,\n")
        self.bad(3, "train", "run.json", "few.csv", "-o", "none", "-q", "--set", "data.validation=0",
                 says="few.csv: expected at least 2 rows without a missing cell, which units are fitted to, got 1")
        self.bad(2, "train", "run.json", "t.csv", "-o", "none", "--set", 'flow=[{"type": "batch_norm"}]', says="/data/missing: batch_norm")
        self.assertNotIn("none", [p.name for p in self.folder.iterdir()])


if __name__ == "__main__":
    unittest.main()
