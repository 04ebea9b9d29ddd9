"""Rows 29 and 30: configs that are no JSON, too deep, or say what cannot be."""

import json
import unittest

from fault import Fault
from model_file import metadata, model_bytes


class Configs(Fault):
    def setUp(self):
        super().setUp()
        self.circles()

    def refused(self, text, *says, lines=1):
        self.write("config.json", text if isinstance(text, (str, bytes)) else json.dumps(text))
        before = self.files()
        for call in (("train", "config.json", "data.csv", "-o", "run", "-q"), ("check", "config.json", "data.csv")):
            self.bad(2, *call, says=says, lines=lines)
        self.assertEqual(self.files(), before)

    def test_29_a_million_levels(self):
        for text in ("[" * 1000000, '{"a":' * 1000000, "[" * 1000000 + "]" * 1000000, '{"flow":' + "[" * 1000000 + "]" * 1000000 + "}"):
            self.refused(text, "config.json:1:", "at most 64 levels of nesting")
            self.write("deep.safetensors", model_bytes(meta=metadata(config=text)))
            self.bad(4, "logprob", "deep.safetensors", stdin="a,b\n0,0\n", says=("deep.safetensors", "levels of nesting"))
        header = b'{"__metadata__":' + b"[" * 1000000
        self.write("deep.safetensors", len(header).to_bytes(8, "little") + header)
        self.bad(4, "logprob", "deep.safetensors", stdin="a,b\n0,0\n", says=("deep.safetensors", "levels of nesting"))
        self.config()
        self.bad(2, "train", "config.json", "data.csv", "-q", "--set", "flow=" + "[" * 100000, says=("--set", "levels of nesting"))

    def test_30_values_that_cannot_be(self):
        flow = [{"type": "permutation"}]
        for config, *says in (
            ({"flow": flow, "trian": {}}, "/trian: unknown key", 'did you mean "train"?'),
            ({"flow": flow, "train": {"stpes": 3}}, "/train/stpes", '"steps"'),
            ({"flow": [{"type": "permutatoin"}]}, "/flow/0/type", '"permutation"'),
            ({"flow": flow, "train": {"steps": -1}}, "/train/steps", "-1"),
            ({"flow": flow, "train": {"steps": 3.7}}, "/train/steps", "3.7"),
            ({"flow": flow, "train": {"steps": None}}, "/train/steps", "null"),
            ({"flow": flow, "train": {"steps": "many"}}, "/train/steps", '"many"'),
            ({"flow": flow, "train": {"optimizer": {"learning_rate": 0}}}, "/train/optimizer/learning_rate", "> 0"),
            ({"flow": flow, "data": {"columns": ["x1", "x1"]}}, "/data/columns/1", "twice"),
            ({}, "/flow", "missing"),
        ):
            self.refused(config, *says)
        self.refused('{"flow": [], "flow": []}', "config.json:1:14: expected each key once")
        self.refused('{"flow": [], "train": {"steps": 1e400}}', "1e400", "range of a double")
        self.refused('{"flow": [],}', "config.json:1:13", "comma")
        self.refused('{"flow": [NaN]}', "config.json:1:11", "no NaN")
        self.refused(b'{"flow": "\xff"}', "UTF-8")
        self.config("circles.json")
        self.bad(2, "train", "circle.json", "data.csv", says=("circle.json: no such config file", '"circles.json"'))
        # All mistakes of the layers at once.
        self.refused({"flow": [{"type": "coupling", "univariate": {"type": "spline", "bins": 1}, "net": {"hiden": [8]}}, {"type": "x"}]},
                     "/flow/0/univariate/bins: must be in [2, 256], got 1", "/flow/0/net/hiden", "/flow/1/type", lines=3)


if __name__ == "__main__":
    unittest.main()
