"""logprob --per-column and --pvalue, impute, and ensembles: what a model says of the parts of a row, and of rows as a whole."""

import json
import math
import random
import unittest

from support.case import Case

ORDERED = [{"type": "autoregressive", "univariate": {"type": "spline", "bins": 6}, "net": {"hidden": [12]}},
           {"type": "elementwise", "univariate": {"type": "affine"}}]


def mean(values):
    return sum(values) / len(values)


class Pairs(Case):
    """y = 2x + noise, with a model that keeps the order x, y."""

    def setUp(self):
        super().setUp()
        draw = random.Random(5)
        rows = [(x, 2 * x + draw.gauss(0, 0.5)) for x in (draw.gauss(0, 1) for _ in range(400))]
        self.write("pairs.csv", "x,y\n" + "".join(f"{x:.6f},{y:.6f}\n" for x, y in rows))

    def fit(self, folder="pairs", **changes):
        self.good("train", self.config(f"{folder}.json", **{"flow": ORDERED, "train__dtype": "float64", "train__steps": 120, **changes}),
                  "pairs.csv", "-o", folder, "-q")
        return folder

    def marginal(self, folder, x):
        """The first column's density, by the trapezoid rule over the second."""
        step, at = 0.02, [i * 0.02 for i in range(-600, 600)]
        scores = self.good("logprob", folder, stdin="x,y\n" + "".join(f"{x},{y}\n" for y in at)).numbers()
        return math.log(sum(step * math.exp(s) for s in scores))


class PerColumn(Pairs):
    def test_terms_are_the_conditionals(self):
        for folder, ensemble in (("pairs", 1), ("three", 3)):
            self.fit(folder, ensemble=ensemble, train__steps=60)
            note = "flowfit: terms by column: x, then y given x\n"
            result = self.good("logprob", folder, "pairs.csv", "--per-column", err=note)
            self.assertEqual(result.lines()[0], "logprob,logprob_x,logprob_y")
            self.assertEqual(result.numbers(), self.good("logprob", folder, "pairs.csv").numbers())
            for whole, first, second in zip(*(result.numbers(c) for c in range(3))):
                self.assertAlmostEqual(whole, first + second, places=9)
            for x in (-1.0, 0.3):
                term = self.good("logprob", folder, "--per-column", "-q", stdin=f"x,y\n{x},{2 * x}\n").numbers(1)[0]
                self.assertAlmostEqual(term, self.marginal(folder, x), places=4)
            self.assertEqual(self.good("logprob", folder, "pairs.csv", "--per-column", "-j3", "-q").out, result.out)
        appended = self.good("logprob", "pairs", "--per-column", "--append", "-q", stdin="y,z,x\n1,a,0.5\n").lines()
        self.assertEqual(appended[0], "y,z,x,logprob,logprob_x,logprob_y")
        self.assertTrue(appended[1].startswith("1,a,0.5,"))
        skipped = self.good("logprob", "pairs", "--per-column", "--invalid", "nan", "-q", stdin="x,y\n1,\n", err=None).lines()
        self.assertEqual(skipped[1], "nan,nan,nan")

    def test_a_single_factor_has_its_own_order_and_its_own_context(self):
        flow = [{"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}]
        self.write("turned.json", json.dumps({"data": {"columns": ["x", "y"]}, "train": {"steps": 60, "dtype": "float64"},
                                              "factors": [{"columns": ["y", "x"], "flow": flow}]}))
        self.good("train", "turned.json", "pairs.csv", "-o", "turned", "-q")
        result = self.good("logprob", "turned", "--per-column", stdin="x,y\n-1,1\n0,1\n2,1\n", err="flowfit: terms by column: y, then x given y\n")
        self.assertEqual(len(set(result.numbers(2))), 1)
        self.assertEqual(len(set(result.numbers(1))), 3)
        # Of two columns that are given, the factor is to see one.
        self.write("three.csv", "x,y,z\n" + "".join(f"{line},{i % 7}\n" for i, line in enumerate(self.read("pairs.csv").decode().split()[1:])))
        self.write("one.json", json.dumps({"data": {"columns": ["y"], "context": ["z", "x"]}, "train": {"steps": 60},
                                           "factors": [{"columns": ["y"], "context": ["x"], "flow": flow[:1]}]}))
        self.good("train", "one.json", "three.csv", "-o", "one", "-q")
        scores = self.good("logprob", "one", stdin="x,y,z\n1,2,0\n1,2,6\n-1,2,0\n").numbers()
        self.assertEqual(scores[0], scores[1])
        self.assertNotEqual(scores[0], scores[2])

    def test_factors(self):
        config = {"data": {"columns": ["x", "y"]}, "train": {"steps": 40, "dtype": "float64"}, "factors": [
            {"columns": ["y"], "flow": [{"type": "elementwise", "univariate": {"type": "spline"}}]},
            {"columns": ["x"], "context": ["y"],
             "flow": [{"type": "elementwise", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}]}]}
        self.write("factors.json", json.dumps(config))
        self.good("train", "factors.json", "pairs.csv", "-o", "factors", "-q")
        result = self.good("logprob", "factors", "pairs.csv", "--per-column", err="flowfit: terms by column: y, then x given y\n")
        for whole, first, second in zip(*(result.numbers(c) for c in range(3))):
            self.assertAlmostEqual(whole, first + second, places=9)

    def test_refused_with_the_reason(self):
        self.fit("mixed", flow=[*ORDERED, {"type": "lu_linear"}], train__steps=1)
        self.bad(2, "logprob", "mixed", "pairs.csv", "--per-column", says=("from layer 2 on, columns look at each other", "keep one order"))
        self.fit("based", base={"type": "diagonal_normal"}, train__steps=1)
        self.bad(2, "logprob", "based", "pairs.csv", "--per-column", says="not the standard normal")


class PValues(Pairs):
    def test_uniform_on_held_out_rows_and_small_on_anomalies(self):
        self.fit(data__validation=0.4)
        held = self.good("sample", "pairs", "-n", "500", "-s", "3").out
        self.write("calibration.csv", self.good("sample", "pairs", "-n", "800", "-s", "4").out)
        result = self.good("logprob", "pairs", "--pvalue", "--calibration", "calibration.csv", stdin=held)
        self.assertEqual(result.lines()[0], "logprob,pvalue")
        ordered = sorted(result.numbers(1))
        n = len(ordered)
        distance = max(max((i + 1) / n - p, p - i / n) for i, p in enumerate(ordered))
        self.assertLess(distance, 1.63 / math.sqrt(n))  # p > 0.01
        # By hand: the rank among the calibration's scores and the row's own.
        scores, kept = result.numbers(0), self.good("logprob", "pairs", "calibration.csv").numbers()
        self.assertEqual(result.numbers(1)[5], (1 + sum(k <= scores[5] for k in kept)) / (len(kept) + 1))
        # Without a file: the scores of the 160 validation rows that the model keeps.
        stored = self.good("logprob", "pairs", "--pvalue", stdin="x,y\n0,0\n0,30\n").numbers(1)
        self.assertEqual(stored[1], 1 / 161)
        self.assertGreater(stored[0], 0.3)

    def test_refused(self):
        self.fit(data__validation=0, train__steps=1)
        self.bad(2, "logprob", "pairs", "pairs.csv", "--pvalue", says="--calibration FILE")
        self.bad(2, "logprob", "pairs", "pairs.csv", "--calibration", "pairs.csv", says="expected with --pvalue")
        self.bad(3, "logprob", "pairs", "--pvalue", "--calibration", "pairs.csv", "--append", stdin="x,y,pvalue\n1,2,3\n", says='"pvalue"')


class Impute(Pairs):
    def test_exact_where_the_order_allows_it_and_resampled_elsewhere(self):
        self.fit()
        self.write("gaps.csv", "y,x,z\n" + "".join(f",1,{i}\n" for i in range(400)))
        err = 'flowfit: gaps.csv: ignoring 1 column that the model does not use: "z"\n' \
              "flowfit: gaps.csv: filled 400 cells; 400 rows by exact conditional draws\n"
        result = self.good("impute", "pairs", "gaps.csv", err=err)
        self.assertEqual(result.lines()[0], "x,y")
        self.assertEqual(set(result.numbers(0)), {1.0})
        y = result.numbers(1)
        self.assertAlmostEqual(mean(y), 2, delta=0.25)
        self.assertAlmostEqual(math.sqrt(mean([(v - mean(y)) ** 2 for v in y])), 0.5, delta=0.15)
        # The other way the order says nothing: candidates, weighed.
        result = self.good("impute", "pairs", stdin="x,y\n" + ",2\n" * 400, err=None)
        self.assertRegex(result.err, r"^flowfit: stdin: filled 400 cells; 400 rows by resampling 200 candidates, worth \d+(\.\d)? of "
                                     r"equal weight on average, \d+(\.\d)? at least\n$")
        x = result.numbers(0)
        self.assertAlmostEqual(mean(x), 2 * 2 / (4 + 0.25), delta=0.1)
        self.assertAlmostEqual(math.sqrt(mean([(v - mean(x)) ** 2 for v in x])), math.sqrt(0.25 / 4.25), delta=0.08)

    def test_a_row_is_its_own(self):
        self.fit(train__steps=20)
        gaps = [",1", "0.5,", ",", "1,2", ",-1", "nan,NA"] * 4
        result = self.good("impute", "pairs", stdin="x,y\n" + "\n".join(gaps) + "\n", err=None)
        self.assertEqual(result.lines()[4], "1,2")
        self.assertEqual(len(set(result.lines()[1:])), 20 + 1)
        first = self.good("impute", "pairs", "-j3", stdin="x,y\n" + "\n".join(gaps[:7]) + "\n", err=None)
        self.assertEqual(first.lines(), result.lines()[:8])
        other = self.good("impute", "pairs", "-s", "1", stdin="x,y\n" + "\n".join(gaps) + "\n", err=None)
        self.assertNotEqual(other.lines()[1], result.lines()[1])
        self.assertEqual(self.good("impute", "pairs", stdin="x,y\n1,2\n", err="flowfit: stdin: no cell is missing\n").lines()[1], "1,2")

    def test_given_and_refused(self):
        self.conditional()
        filled = self.good("impute", "given", stdin="x,y\n1,\n2,3\n", err=None).lines()
        self.assertEqual((filled[0], filled[2]), ("x,y", "2,3"))
        self.bad(3, "impute", "given", stdin="x,y\n1,2\n,3\n", says=('stdin: row 2 lacks "x"', "only columns that it models"))

    def test_cells_keep_to_the_columns_limits(self):
        self.write("pairs.csv", "x,y\n" + "".join(f"{0.5 + (i % 50) * 0.01},{i % 40 / 39}\n" for i in range(400)))
        self.fit("box", data__columns=[{"name": "x", "kind": "positive"}, {"name": "y", "kind": "bounded", "margin": 0.3}], train__steps=20)
        filled = self.good("impute", "box", stdin="x,y\n" + "1,\n" * 300 + ",0.5\n" * 300, err=None)
        self.assertTrue(all(0 <= y <= 1 for y in filled.numbers(1)))
        self.assertIn(1.0, filled.numbers(1))  # some were beyond
        self.bad(3, "impute", "box", stdin="x,y\n4OOO,\n", says='stdin:2:1 (x): expected a number, got "4OOO"')
        for row in ("-1,", ",2"):
            self.bad(3, "impute", "box", stdin=f"x,y\n1,0.5\n{row}\n", says=("stdin: row 2: ", "density is zero"))


class Ensembles(Pairs):
    def test_one_file_whose_density_is_the_mean(self):
        self.fit("three", ensemble=3, train__batch_size=64, train__ema=0.9)
        one = self.good("inspect", "three", "--json").json()
        names = {t["name"].split(".")[1] for t in one["tensors"] if t["name"].startswith("members.")}
        self.assertEqual(names, {"0", "1", "2"})
        scores = self.good("logprob", "three", "pairs.csv").out
        self.assertEqual(self.good("logprob", "three", "pairs.csv", "-j3").out, scores)
        grid = [-6 + 0.1 * i for i in range(121)]
        text = "x,y\n" + "".join(f"{x},{2 * y}\n" for x in grid for y in grid)
        self.assertAlmostEqual(sum(0.02 * math.exp(s) for s in self.good("logprob", "three", stdin=text).numbers()), 1, delta=0.02)
        sampled = self.good("sample", "three", "-n", "300").lines()
        self.assertEqual(self.good("sample", "three", "-n", "20", "-j2").lines(), sampled[:21])
        self.good("check", "three")
        self.bad(2, "encode", "three", "pairs.csv", says=("an ensemble of 3 flows", "no one base"))
        self.assertIsNone(self.good("evaluate", "three", "pairs.csv").json()["base_radius"])

    def test_threads_and_resume_change_no_byte(self):
        self.config("three.json", ensemble=3, flow=ORDERED, train__batch_size=64, train__steps=60)
        for threads in ("1", "3"):
            self.good("train", "three.json", "pairs.csv", "-o", f"j{threads}", "-j", threads, "-q")
        self.assertEqual(self.read("j1/model.safetensors"), self.read("j3/model.safetensors"))
        self.good("train", "three.json", "pairs.csv", "-o", "cut", "-q", "--time-limit", "0.001")
        self.good("train", "three.json", "pairs.csv", "-o", "cut", "-q", "--resume")
        self.assertEqual(self.read("cut/model.safetensors"), self.read("j1/model.safetensors"))

    def test_members_differ_and_are_refused_beyond_64(self):
        self.fit("two", ensemble=2, flow=[{"type": "elementwise", "univariate": {"type": "spline"}},
                                          {"type": "permutation", "order": "random"}], train__batch_size=32, train__steps=30)
        tensors = {t["name"]: t for t in self.good("inspect", "two", "--json").json()["tensors"]}
        self.assertIn("members.1.flow.0.raw", tensors)
        self.bad(2, "check", self.config("many.json", ensemble=65, data__columns=["x", "y"]), says="/ensemble: must be in [1, 64]")


if __name__ == "__main__":
    unittest.main()
