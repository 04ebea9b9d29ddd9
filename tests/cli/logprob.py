"""logprob and evaluate: columns by name, streams, bad cells, the support."""

import json
import math
import subprocess
import unittest

from support.case import SANITIZED, Case


class Logprob(Case):
    def setUp(self):
        super().setUp()
        self.trained()

    def test_one_score_a_row(self):
        result = self.good("logprob", "run", "data.csv")
        self.assertEqual(result.lines()[0], "logprob")
        self.assertEqual(len(result.lines()), 121)
        self.assertEqual(self.good("logprob", "run", stdin=self.read("data.csv")).out, result.out)
        self.assertEqual(self.good("logprob", "run", "-", "-j3", stdin=self.read("data.csv")).out, result.out)
        self.assertEqual(self.good("logprob", "run/model.safetensors", "data.csv").out, result.out)
        self.good("logprob", "run", "data.csv", "-o", "scores.csv")
        self.assertEqual(self.read("scores.csv").decode(), result.out)

    def test_rows_alone_and_in_another_order(self):
        header, *rows = self.read("data.csv").decode().splitlines()
        scores = self.good("logprob", "run", "data.csv").lines()[1:]
        reverse = self.good("logprob", "run", stdin="\n".join([header] + rows[::-1])).lines()[1:]
        self.assertEqual(reverse[::-1], scores)
        self.assertEqual(self.good("logprob", "run", stdin=f"{header}\n{rows[7]}\n").lines()[1:], [scores[7]])

    def test_columns_by_name(self):
        expected = self.good("logprob", "run", stdin="x1,x2\n0.5,0.25\n").out
        self.assertEqual(self.good("logprob", "run", stdin="x2,x1\n0.25,0.5\n").out, expected)
        note = 'flowfit: stdin: ignoring 2 columns that the model does not use: "id", "name"\n'
        self.assertEqual(self.good("logprob", "run", stdin="id,x2,name,x1\n7,0.25,Bob,0.5\n", err=note).out, expected)
        self.assertEqual(self.good("logprob", "run", "-q", stdin="id,x2,name,x1\n7,0.25,Bob,0.5\n").out, expected)
        self.bad(3, "logprob", "run", "-o", "out.csv", stdin="x1,y2\n1,2\n", says=('stdin: no column "x2"', "did you mean"))
        self.assertFalse(self.path("out.csv").exists())

    def test_append(self):
        text = 'id,x1,x2\r\n"a ""b""",0.50,+0.25\r\n2,1e-3,0\r\n'
        plain = self.good("logprob", "run", "-q", stdin=text).lines()
        result = self.good("logprob", "run", "--append", stdin=text)
        self.assertEqual(result.lines(), ["id,x1,x2,logprob", f'"a ""b""",0.50,+0.25,{plain[1]}', f"2,1e-3,0,{plain[2]}"])
        self.bad(3, "logprob", "run", "--append", stdin="x1,x2,logprob\n1,2,3\n", says='"logprob"')

    def test_bad_cells(self):
        text = "x1,x2\n0.5,0.25\nNA,1\n0.1,0.2\n"
        good = self.good("logprob", "run", stdin="x1,x2\n0.5,0.25\n0.1,0.2\n").lines()
        result = self.bad(3, "logprob", "run", "-o", "out.csv", stdin=text, says=("stdin:3:1 (x1)", '"NA"'))
        self.assertEqual(self.files(), ["config.json", "data.csv"] + ["run"] + ["run/" + f for f in self.files("run")])
        self.assertEqual(result.out, "")
        skipped = self.good("logprob", "run", "--invalid", "skip", stdin=text,
                            err="flowfit: warning: stdin: left out 1 row with a cell that is no number\n")
        self.assertEqual(skipped.lines(), good)
        as_nan = self.good("logprob", "run", "--invalid", "nan", stdin=text,
                           err="flowfit: warning: stdin: 1 row with a cell that is no number scored as nan\n")
        self.assertEqual(as_nan.lines(), [*good[:2], "nan", good[2]])
        self.bad(2, "logprob", "run", "--invalid", "nann", stdin=text, says='did you mean "nan"?')

    def test_short_row(self):
        self.bad(3, "logprob", "run", stdin="x1,x2\n1,2\n1\n2,3\n", says="stdin:3: expected 2 fields, got 1")

    def test_output_is_the_input(self):
        before = self.read("data.csv")
        self.bad(2, "logprob", "run", "data.csv", "-o", "data.csv", says="is the input")
        self.path("link.csv").symlink_to("data.csv")
        self.bad(2, "logprob", "run", "data.csv", "-o", "link.csv", says="is the input")
        with open(self.path("data.csv"), "ab") as out:  # `>> data.csv` would feed itself for ever
            self.assertEqual(self.flowfit("logprob", "run", "data.csv", stdout=out).code, 2)
        self.assertEqual(self.read("data.csv"), before)
        model = self.read("run/model.safetensors")
        self.bad(2, "sample", "run", "-n", "1", "-o", "run/model.safetensors", says="is the input")
        self.assertEqual(self.read("run/model.safetensors"), model)

    def test_flushes_when_the_input_stalls(self):
        process = self.start("logprob", "run", stdin=subprocess.PIPE)
        process.stdin.write(b"x1,x2\n0.5,0.25\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"logprob\n")
        first = process.stdout.readline()
        self.assertTrue(math.isfinite(float(first)))
        process.stdin.write(b"0.5,0.25\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), first)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=20), 0)

    @unittest.skipIf(SANITIZED, "limits memory")
    def test_constant_memory(self):
        script = 'ulimit -v 400000; "$FLOWFIT" -j 1 sample run -n 600000 | "$FLOWFIT" -j 1 logprob run --append | tail -n 1 | wc -l'
        result = self.shell(script)
        self.assertEqual((result.out.strip(), result.err), ("1", ""))

    def test_outside_the_support(self):
        config = {"data": {"preprocess": "none", "validation": 0}, "flow": [{"type": "elementwise", "univariate": {"type": "affine"}},
                                                                       {"type": "exp"}], "train": {"steps": 5}}
        self.write("positive.json", json.dumps(config))
        self.write("positive.csv", "x\n1\n2\n3\n4\n")
        self.good("train", "positive.json", "positive.csv", "-o", "positive", "-q")
        warning = "flowfit: warning: stdin: 2 of 3 rows lie outside the support (logprob -inf)\n"
        result = self.good("logprob", "positive", stdin="x\n-1\n2\n0\n", err=warning)
        self.assertEqual([result.lines()[i] for i in (1, 3)], ["-inf", "-inf"])
        score = self.good("evaluate", "positive", "-", stdin="x\n-1\n2\n0\n", err=warning).json()
        self.assertEqual((score["rows"], score["outside_support"], score["mean_logprob"]), (3, 2, None))

    def test_rows_outside_a_bounded_support_are_counted(self):
        """A flow onto (0, 1) in float32: numbers beyond it, at its ends and just inside."""
        config = {"data": {"preprocess": "none", "validation": 0.25}, "train": {"steps": 5},
                  "flow": [{"type": "elementwise", "univariate": {"type": "affine"}}, {"type": "sigmoid"}]}
        self.write("unit.json", json.dumps(config))
        inside = "".join(f"{i / 41:.6f},{1 - i / 50:.6f}\n" for i in range(1, 41))
        self.write("unit.csv", "p,q\n" + inside)
        self.good("train", "unit.json", "unit.csv", "-o", "unit", "-q")
        rows = "p,q\n0.5,0.5\n0.5,1.5\n-1e300,0.5\n0,0.5\n0.5,1\n1e-300,0.5\n1e-30,0.999999\n"
        warning = "flowfit: warning: stdin: 5 of 7 rows lie outside the support (logprob -inf)\n"
        result = self.good("logprob", "unit", stdin=rows, err=warning)
        self.assertEqual([math.isfinite(score) for score in result.numbers()], [True] + [False] * 5 + [True])
        self.assertNotIn("nan", result.out)
        score = self.good("evaluate", "unit", "-", stdin=rows, err=warning).json()
        self.assertEqual((score["rows"], score["outside_support"], score["nll"], score["standard_error"]), (7, 5, None, None))
        self.good("encode", "unit", "--log-det", stdin=rows,
                  err="flowfit: warning: stdin: 5 of 7 rows have no image; outside the support of the model, or too far out to be computed\n")
        # What the model draws it can score.
        sampled = self.good("sample", "unit", "-n", "2000").out
        self.assertEqual(self.good("evaluate", "unit", "-", stdin=sampled).json()["outside_support"], 0)
        self.good("check", "unit")
        # Rows that cannot be fitted are told before time is spent: the first of them, and how many.
        self.write("off.csv", "p,q\n" + inside + "2,0.5\n3,0.5\n")
        for data, more in (("off.csv", ["--set", "data.validation=0"]), ("unit.csv", ["--validation", "off.csv"])):
            self.bad(3, "train", "unit.json", data, *more, "-o", "never", "-q",
                     says=("off.csv: expected rows inside the support of the flow, got p = 2, q = 0.5 (row 41 of the",
                           "part, the first of 2); its density is zero there"))
        self.assertFalse(self.path("never").exists())
        # A stack that does not fit together, with its place.
        self.write("wrong.json", json.dumps({**config, "flow": [{"type": "sigmoid"}, {"type": "tanh", "inverse": True},
                                                                {"type": "logit"}]}))
        self.bad(2, "train", "wrong.json", "unit.csv", "-o", "never", "-q",
                 says="/flow/2: expected numbers in (0, 1) from the layers before it, which give (0, inf)")

    def test_evaluate(self):
        scores = self.good("logprob", "run", "data.csv").numbers()
        result = self.good("evaluate", "run", "data.csv")
        score = result.json()
        mean = sum(scores) / len(scores)
        error = math.sqrt(sum((s - mean) ** 2 for s in scores) / (len(scores) - 1) / len(scores))
        self.assertEqual(score["rows"], 120)
        self.assertAlmostEqual(score["mean_logprob"], mean, places=12)
        self.assertAlmostEqual(score["nll"], -mean, places=12)
        self.assertAlmostEqual(score["standard_error"], error, places=12)
        self.assertAlmostEqual(score["bits_per_dimension"], -mean / (2 * math.log(2)), places=12)
        self.assertEqual(self.good("evaluate", "run", "-", "-j2", stdin=self.read("data.csv")).out, result.out)
        self.assertIsNone(self.good("evaluate", "run", "-", stdin="x1,x2\n1,2\n").json()["standard_error"])
        self.bad(3, "evaluate", "run", "-", stdin="x1,x2\n", says="header only")

    def test_base_tests(self):
        """PIT of what the model draws is uniform, of what it does not draw is not; coverage of the base's balls."""
        rows = self.good("sample", "run", "-n", "4000", "-s", "5").out
        own = self.good("evaluate", "run", "-", stdin=rows).json()
        self.assertEqual(set(own["base_columns"]), {"x1", "x2"})
        for test in (*own["base_columns"].values(), own["base_radius"]):
            self.assertGreater(test["p_value"], 0.001)
            self.assertLess(test["ks"], 0.04)
        self.assertEqual(own["base_radius"]["degrees"], 2)
        for level in (50, 90, 99):
            share = own["base_radius"][f"within_{level}"]
            self.assertAlmostEqual(share, level / 100, delta=4 * math.sqrt(level / 100 * (1 - level / 100) / 4000))
        # By hand, from encode.
        z = sorted(self.good("encode", "run", stdin=rows).numbers(0))
        u = [0.5 * math.erfc(-v / math.sqrt(2)) for v in z]
        distance = max(max((i + 1) / len(u) - p, p - i / len(u)) for i, p in enumerate(u))
        self.assertAlmostEqual(own["base_columns"]["x1"]["ks"], distance, delta=2 / 16384 + 1 / 4000)
        moved = rows.splitlines()
        moved = "\n".join([moved[0]] + [",".join([str(float(v) + 0.1) for v in line.split(",")]) for line in moved[1:]])
        other = self.good("evaluate", "run", "-", stdin=moved + "\n").json()
        self.assertLess(min(t["p_value"] for t in other["base_columns"].values()), 1e-4)


if __name__ == "__main__":
    unittest.main()
