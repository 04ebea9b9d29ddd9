"""check MODEL: the table, the JSON object, and exit 7 for a model that does not do what it promises."""

import json
import random
import re
import unittest

from model_file import CONFIG, SCHEMA, metadata, model_bytes
from support.case import Case

TENSORS3 = {"flow.0.raw": ([3, 2], [0.5, 0.2, -0.75, -0.4, 0.0, 0.1])}


def three_columns():
    config = {"data": {"columns": ["a", "b", "c"]}, "train": {"dtype": "float64"},
              "flow": [{"type": "elementwise", "univariate": {"type": "affine", "scale": "exp"}}]}
    schema = {"columns": [{"name": n, "loc": 10.0, "scale": 4.0} for n in "abc"], "context": []}
    return model_bytes(TENSORS3, metadata(config=json.dumps(config), schema=json.dumps(schema)))


def linear(lower, upper):
    config = {**CONFIG, "flow": [{"type": "lu_linear"}]}
    tensors = {"flow.0.lower": ([1], [lower]), "flow.0.upper": ([1], [upper]), "flow.0.diagonal": ([2], [0.0, 0.0]),
               "flow.0.bias": ([2], [0.0, 0.0])}
    return model_bytes(tensors, metadata(config=json.dumps(config), schema=json.dumps(SCHEMA)))


class Check(Case):
    def table(self, result):
        """label → verdict, measured, bound."""
        rows = {}
        for line in result.lines()[2:]:
            if not line.startswith("open:"):
                label, verdict, measured, bound, _ = re.split(r"  +", line, maxsplit=4)
                rows[label] = (verdict, measured, bound)
        return rows

    def test_two_columns(self):
        self.write("model.safetensors", model_bytes())
        result = self.good("check", "model.safetensors")
        self.assertRegex(result.lines()[0], "^model.safetensors, computed in float64")
        self.assertEqual(result.lines()[1].split(), "check verdict measured bound what is measured".split())
        table = self.table(result)
        self.assertEqual(list(table), ["round trip", "log-det", "gradient by rows", "gradient by parameters", "tails", "normalization"])
        self.assertEqual({verdict for verdict, _, _ in table.values()}, {"ok"})
        self.assertEqual(table["normalization"][2], "1 ± 0.002")
        found = self.good("check", "model.safetensors", "--json").json()
        self.assertTrue(found["ok"])
        for key in ("round_trip", "log_det", "row_gradient", "parameter_gradient"):
            self.assertLess(found[key]["largest"], found[key]["limit"])
            self.assertTrue(found[key]["ok"] and found[key]["judged"])
        self.assertEqual(found["parameter_gradient"]["tensors"], 5)
        self.assertEqual(found["tails"]["bad"], 0)
        self.assertGreater(found["tails"]["scored"], 100)
        self.assertLess(abs(found["integral"]["value"] - 1), found["integral"]["limit"])
        self.assertIsNone(found["wider"])

    def test_three_columns(self):
        self.write("model.safetensors", three_columns())
        table = self.table(self.good("check", "model.safetensors"))
        self.assertEqual(list(table)[-2:], ["normalization", "samples"])
        self.assertEqual({verdict for verdict, _, _ in table.values()}, {"ok"})
        found = self.good("check", "model.safetensors", "--json").json()
        self.assertIsNone(found["integral"])
        for key in ("wider", "narrower"):
            self.assertLess(abs(found[key]["value"] - 1), found[key]["limit"])
            self.assertLess(found[key]["standard_error"], 0.01)
            self.assertGreater(found[key]["effective_rows"], 0.5 * found[key]["rows"])

    def test_trained_models(self):
        for folder in (self.trained(), self.conditional()):
            table = self.table(self.good("check", folder))
            self.assertEqual({verdict for verdict, _, _ in table.values()}, {"ok"}, table)

    def test_columns_of_every_kind(self):
        """Init's choice for a table with piles of ties beside long tails."""
        draw = random.Random(6)
        rows = [(draw.choice("abc"), int(draw.expovariate(0.2)), max(0.0, draw.gauss(1, 1)), draw.lognormvariate(3, 1.5), draw.gauss(0, 1),
                 draw.gauss(350, 40) % 360) for _ in range(800)]
        self.write("t.csv", "c,n,b,p,x,w\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
        config = self.good("init", "t.csv", "-q").json()
        config["data"]["columns"][5] = {"name": "w", "kind": "periodic", "period": 360}
        config["train"]["steps"] = 300
        self.write("t.json", json.dumps(config))
        self.good("train", "t.json", "t.csv", "-o", "t", "-q")
        table = self.table(self.good("check", "t"))
        self.assertEqual(list(table), ["category sums", "category draws", "round trip", "log-det", "gradient by rows", "gradient by parameters",
                                       "tails", "normalization", "samples"])
        self.assertEqual({verdict for verdict, _, _ in table.values()}, {"ok"}, table)
        found = self.good("check", "t", "--json").json()
        self.assertTrue(found["category_sums"]["judged"] and found["category_draws"]["ok"])
        # And of categories alone.
        config["data"]["columns"] = [{"name": "c", "kind": "categorical"}]
        del config["flow"]
        self.write("c.json", json.dumps(config))
        self.good("train", "c.json", "t.csv", "-o", "c", "-q")
        self.assertEqual(list(self.table(self.good("check", "c"))), ["category sums", "category draws", "gradient by parameters"])
        found = self.good("check", "c", "--json").json()
        self.assertTrue(found["ok"])
        self.assertEqual({found[key] for key in ("round_trip", "log_det", "row_gradient", "tails", "integral", "wider")}, {None})

    def test_nothing_learned(self):
        config = {**CONFIG, "flow": [{"type": "exp"}]}
        self.write("model.safetensors", model_bytes({}, metadata(config=json.dumps(config))))
        self.assertNotIn("gradient by parameters", self.table(self.good("check", "model.safetensors")))
        self.assertIsNone(self.good("check", "model.safetensors", "--json").json()["parameter_gradient"])

    def test_a_model_that_loses_its_digits(self):
        self.write("fine.safetensors", linear(0.5, -0.25))
        self.good("check", "fine.safetensors")
        # Of condition 1e24: neighbouring rows are encoded to the same numbers.
        self.write("model.safetensors", linear(1e6, 1e6))
        result = self.flowfit("check", "model.safetensors")
        self.assertEqual(result.code, 7)
        self.assertRegex(result.err, r"^flowfit: error: model.safetensors: failed log-det, ")
        self.assertEqual(self.table(result)["log-det"][0], "FAILED")
        result = self.flowfit("check", "model.safetensors", "--json")
        self.assertEqual(result.code, 7)
        found = result.json()
        self.assertFalse(found["ok"] or found["log_det"]["ok"])

    def test_usage(self):
        self.write("model.safetensors", model_bytes())
        self.write("data.csv", "a,b\n1,2\n")
        self.bad(2, "check", "model.safetensors", "data.csv", says="without data")


if __name__ == "__main__":
    unittest.main()
