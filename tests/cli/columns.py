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
        return [float(line) for line in self.good("logprob", model, "-", "-q", stdin=text.encode()).out.split()[1:]]

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

    def test_baselines_are_held_against_the_same_rows(self):
        # An integer and a category: what the normal says of all of them adds up as what the model says does.
        self.write("t.csv", table(600))
        run = self.train(config([CATEGORICAL, INTEGER], flow=FLOW))
        mass = 0
        for kind in ("a", '"b, ""x"""'):
            for n in range(-3, 12):
                said = self.good("evaluate", run, "-", stdin=f"kind,n\n{kind},{n}\n".encode()).json()
                mass += math.exp(-said["gaussian_nll"])
                self.assertTrue(math.isfinite(said["gain_over_mixture"]))
        self.assertAlmostEqual(mass, 1, delta=0.02)

    def test_whole_numbers_are_tested_over_their_cells(self):
        self.write("t.csv", table(600))
        run = self.train(config([INTEGER], flow=FLOW))
        said = self.good("evaluate", run, "t.csv", "-q").json()
        self.assertGreater(said["base_columns"]["n"]["p_value"], 1e-3)
        self.assertLess(abs(said["base_radius"]["within_50"] - 0.5), 0.08)

    def test_folds_know_the_categories_of_the_whole_table(self):
        self.write("t.csv", table(300))
        self.write("c.json", json.dumps(config([CATEGORICAL, INTEGER, "length"], flow=FLOW)))
        said = self.good("cv", "c.json", "t.csv", "--folds", "3", "-q").json()
        self.assertEqual(len(said["folds"]), 3)
        self.assertTrue(math.isfinite(said["nll"]))

    def test_every_format_holds_the_kinds_it_can(self):
        self.write("t.csv", table(300))
        run = self.train(config([CATEGORICAL, INTEGER, "length"], flow=FLOW))
        self.good("sample", run, "-n", "20", "-o", "s.csv")
        self.good("sample", run, "-n", "20", "-o", "s.jsonl")
        rows = list(csv.DictReader(io.StringIO(self.read("s.csv").decode())))
        for row, line in zip(rows, self.read("s.jsonl").decode().splitlines(), strict=True):
            self.assertEqual(json.loads(line), {"kind": row["kind"], "n": int(row["n"]), "length": float(row["length"])})
        self.bad(2, "sample", run, "-n", "20", "-o", "s.npy", says=("s.npy: expected a format that holds text for the categories of column",))
        self.assertFalse(self.path("s.npy").exists())
        # Categories that are numbers: a .npy reads and writes them.
        self.write("n.csv", "c,x\n" + "".join(f"{1 + i % 3},{i * 37 % 101 / 7}\n" for i in range(200)))
        numbers = self.train(config([{"name": "c", "kind": "categorical"}, "x"], flow=FLOW), "numbers", "n.csv")
        self.good("sample", numbers, "-n", "30", "-o", "n.npy")
        self.good("sample", numbers, "-n", "30", "-o", "draws.csv")
        self.assertEqual(self.good("logprob", numbers, "n.npy").out, self.good("logprob", numbers, "draws.csv").out)

    def test_threads_and_neighbours_change_nothing(self):
        self.write("t.csv", table(300))
        columns = [CATEGORICAL, INTEGER, SEX, {"name": "length", "kind": "positive", "preprocess": "quantile"}]
        settings = config(columns, flow=FLOW, ensemble=2)
        self.write("c.json", json.dumps(settings))
        for threads in "123":
            self.good("train", "c.json", "t.csv", "-o", "j" + threads, "-q", "-j", threads)
            self.assertEqual(self.read(f"j{threads}/model.safetensors"), self.read("j1/model.safetensors"))
        lines = table(60).splitlines()
        whole = self.scores("j1", "\n".join(lines) + "\n")
        self.assertEqual(whole[7:8], self.scores("j1", lines[0] + "\n" + lines[8] + "\n"))

    def test_what_is_not_filled_and_not_continued(self):
        self.write("t.csv", table(300))
        run = self.train(config([CATEGORICAL, INTEGER, "length"], flow=FLOW))
        self.bad(2, "impute", run, "-", stdin=b"kind,n,length\na,,1\n", says=('column "n": cells of kind "integer" are not filled',))
        filled = self.good("impute", run, "-", stdin=b"kind,n,length\na,1,\n", err=None)
        self.assertTrue(math.isfinite(float(filled.out.splitlines()[1].split(",")[2])))
        self.write("other.json", json.dumps(config([CATEGORICAL, {"name": "n"}, "length"], flow=FLOW)))
        self.bad(2, "train", "other.json", "t.csv", "--init", run, "-o", "next", says=('column "n" is of another kind there',))


if __name__ == "__main__":
    unittest.main()
