# Kinds of columns through the real binary: what is sampled, what is scored, what is refused.
import csv
import io
import json
import math
import random
import unittest

from support.case import Case

FLOW = [{"type": "autoregressive", "univariate": {"type": "spline", "bins": 8}, "net": {"hidden": [16]}}]


def table(rows, unit=1.0):
    draw = random.Random(4)
    lines = ["kind,n,sex,length,angle"]
    for _ in range(rows):
        kind = draw.choice(['"b, ""x"""', "a", "a"])
        n = min(4, int(draw.expovariate(0.5 if kind == "a" else 1.0)))
        lines.append(f"{kind},{n},{draw.choice('fm')},{unit * math.exp(draw.gauss(0.2 * n, 0.3))!r},{draw.gauss(350, 30) % 360!r}")
    return "\n".join(lines) + "\n"


def config(columns, **more):
    return {"data": {"columns": columns, "validation": 0.1}, "train": {"steps": 150, "batch_size": 256, "optimizer": {"learning_rate": 0.01}}, **more}


CATEGORICAL = {"name": "kind", "kind": "categorical"}
INTEGER = {"name": "n", "kind": "integer"}
SEX = {"name": "sex", "kind": "categorical"}


class Columns(Case):
    def train(self, settings, name="r", data="t.csv"):
        self.write(name + ".json", json.dumps(settings))
        self.good("train", name + ".json", data, "-o", name, "-q")
        return name

    def scores(self, model, text):
        return [float(line) for line in self.good("logprob", model, "-", stdin=text.encode()).out.split()[1:]]

    def test_samples_keep_every_kind(self):
        self.write("t.csv", table(600))
        run = self.train(config([CATEGORICAL, INTEGER, SEX, {"name": "length", "kind": "positive"}, {"name": "angle", "kind": "periodic", "period": 360}], flow=FLOW))
        rows = list(csv.DictReader(io.StringIO(self.good("sample", run, "-n", "500").out)))
        self.assertEqual({row["kind"] for row in rows}, {"a", 'b, "x"'})
        self.assertLessEqual({row["n"] for row in rows}, set("01234"))
        for row in rows:
            self.assertGreater(float(row["length"]), 0)
            self.assertTrue(0 <= float(row["angle"]) < 360)

    def test_probabilities_add_up(self):
        self.write("t.csv", table(600))
        run = self.train(config([CATEGORICAL, INTEGER, SEX], flow=FLOW))
        cells = [f'{kind},{n},{sex}' for kind in ("a", '"b, ""x"""') for sex in "fm" for n in range(-3, 10)]
        self.assertAlmostEqual(sum(map(math.exp, self.scores(run, "kind,n,sex\n" + "\n".join(cells) + "\n"))), 1, delta=0.01)
        only = self.train(config([CATEGORICAL, SEX]), "only")
        cells = [f'{kind},{sex}' for kind in ("a", '"b, ""x"""') for sex in "fm"]
        self.assertAlmostEqual(sum(map(math.exp, self.scores(only, "kind,sex\n" + "\n".join(cells) + "\n"))), 1, delta=1e-5)

    def test_a_unit_moves_scores_by_the_log_of_the_factor(self):
        row = "n,length\n2,{}\n"
        scores = []
        for unit in (1.0, 1000.0):
            self.write("t.csv", table(400, unit))
            run = self.train(config([INTEGER, {"name": "length", "kind": "positive", "preprocess": "quantile"}], flow=FLOW), f"u{unit}")
            scores += self.scores(run, row.format(1.25 * unit))
        self.assertAlmostEqual(scores[0] - scores[1], math.log(1000), delta=1e-3)

    def test_an_unknown_category_is_told_with_its_place(self):
        self.write("t.csv", table(200))
        run = self.train(config([CATEGORICAL, "length"], flow=FLOW))
        self.bad(3, "logprob", run, "-", stdin=b"kind,length\na,1\nc,1\n",
                 says=('stdin:3:1 (kind): expected a category that the model knows, got "c"',))


if __name__ == "__main__":
    unittest.main()
