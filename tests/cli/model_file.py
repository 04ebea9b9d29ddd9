"""The model file: one made with struct, json and zlib alone scores as a formula says, and a damaged one is refused."""

import json
import math
import struct
import unittest
import zlib

from support.case import Case

CONFIG = {
    "data": {"columns": ["a", "b"], "preprocess": "standardize"},
    "base": {"type": "normal"},
    "flow": [
        {"type": "coupling", "univariate": {"type": "affine", "scale": "exp"}, "net": {"hidden": [3], "activation": "tanh"}},
        {"type": "elementwise", "univariate": {"type": "affine", "scale": "exp"}},
    ],
    "train": {"dtype": "float64"},
}
SCHEMA = {"columns": [{"name": "a", "loc": 10.0, "scale": 4.0}, {"name": "b", "loc": -1.0, "scale": 0.5}], "context": []}
TENSORS = {
    "flow.0.net.0.weight": ([3, 1], [0.5, -1.0, 2.0]),
    "flow.0.net.0.bias": ([3], [0.1, 0.0, -0.3]),
    "flow.0.net.1.weight": ([2, 3], [0.7, -0.2, 0.4, 0.3, 0.6, -0.5]),
    "flow.0.net.1.bias": ([2], [0.25, -0.125]),
    "flow.1.raw": ([2, 2], [0.5, 0.2, -0.75, -0.4]),  # for each column: shift, log scale
}


def metadata(**changes):
    values = {"format": "flowfit", "format_version": "1", "config": json.dumps(CONFIG), "schema": json.dumps(SCHEMA),
              "checksum": "none"}
    values.update(changes)
    return {key: value for key, value in values.items() if value is not None}


def model_bytes(tensors=TENSORS, meta=None, checksum=False):
    header = {"__metadata__": dict(meta or metadata())}
    if checksum:
        header["__metadata__"]["checksum"] = "00000000"
    data = b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}d", *values)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + data
    if checksum:
        key = b'"checksum": "00000000"'
        assert whole.count(key) == 1
        whole = whole.replace(key, b'"checksum": "%08x"' % zlib.crc32(whole))
    return whole


def formula(a, b):
    """log p(a, b) of the model above, by hand, from the data to the base."""
    x = [(a - 10.0) / 4.0, (b + 1.0) / 0.5]
    log_det = -math.log(4.0) - math.log(0.5)
    for d, (shift, log_scale) in enumerate(((0.5, 0.2), (-0.75, -0.4))):
        x[d] = (x[d] - shift) * math.exp(-log_scale)
        log_det -= log_scale
    hidden = [math.tanh(w * x[0] + c) for w, c in zip((0.5, -1.0, 2.0), (0.1, 0.0, -0.3))]
    shift = sum(w * h for w, h in zip((0.7, -0.2, 0.4), hidden)) + 0.25
    log_scale = sum(w * h for w, h in zip((0.3, 0.6, -0.5), hidden)) - 0.125
    x[1] = (x[1] - shift) * math.exp(-log_scale)
    log_det -= log_scale
    return log_det - 0.5 * (x[0] ** 2 + x[1] ** 2) - math.log(2 * math.pi)


class ModelFile(Case):
    POINTS = [(10.0, -1.0), (12.5, -0.75), (3.0, 0.0), (14.0, -2.5)]

    def test_scores_as_the_formula_says(self):
        table = "a,b\n" + "".join(f"{a},{b}\n" for a, b in self.POINTS)
        for name, checksum in (("plain.safetensors", False), ("summed.safetensors", True)):
            self.write(name, model_bytes(checksum=checksum))
            scores = self.good("logprob", name, stdin=table).numbers()
            for (a, b), score in zip(self.POINTS, scores):
                self.assertAlmostEqual(score, formula(a, b), delta=1e-12)
        self.assertEqual(len(self.good("sample", "plain.safetensors", "-n", "5").lines()), 6)

    def test_check_and_inspect(self):
        self.write("model.safetensors", model_bytes())
        result = self.good("check", "model.safetensors", "--json").json()
        self.assertTrue(result["ok"])
        self.assertLess(abs(result["integral"]["value"] - 1), 2e-3)
        self.assertLess(result["round_trip"]["largest"], 1e-9)
        shown = self.good("inspect", "model.safetensors", "--json").json()
        self.assertEqual(shown["parameters"], 18)
        self.assertEqual(shown["dtype"], "float64")
        self.assertEqual([c["name"] for c in shown["columns"]], ["a", "b"])
        self.assertIsNone(shown["training"])
        self.assertIn("coupling", self.good("inspect", "model.safetensors").out)

    def test_schema_may_be_left_out_without_preprocessing(self):
        plain = json.loads(json.dumps(CONFIG))
        plain["data"]["preprocess"] = "none"
        self.write("model.safetensors", model_bytes(meta=metadata(config=json.dumps(plain), schema=None)))
        score = self.good("logprob", "model.safetensors", stdin="a,b\n0,0\n").numbers()[0]
        self.assertAlmostEqual(score, formula(10, -1) + math.log(2.0), delta=1e-12)

    def refused(self, data, *says):
        self.write("bad.safetensors", data)
        self.bad(4, "logprob", "bad.safetensors", stdin="a,b\n0,0\n", says=("bad.safetensors", *says))

    def test_damage(self):
        whole = model_bytes(checksum=True)
        for size in [*range(0, 16), len(whole) // 2, len(whole) - 1]:
            self.refused(whole[:size])
        for place in (4, 30, len(whole) // 2, len(whole) - 3):
            self.refused(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        self.refused(whole + b"\0")
        self.refused(struct.pack("<Q", 1 << 63) + whole[8:])
        self.refused(b"\x80\x04\x95 a pickle, for example", "not a model file")

    def test_what_does_not_fit(self):
        def with_tensor(name, value):
            return {**TENSORS, name: value}
        self.refused(model_bytes({k: v for k, v in TENSORS.items() if k != "flow.1.raw"}), '"flow.1.raw"')
        self.refused(model_bytes(with_tensor("flow.9.raw", ([1], [0.0]))), '"flow.9.raw"')
        self.refused(model_bytes(with_tensor("flow.0.net.1.bias", ([3], [0.0] * 3))), "[2]", "[3]")
        self.refused(model_bytes(with_tensor("flow.0.net.1.bias", ([2], [0.0, math.nan]))), "not a finite number")
        self.refused(model_bytes(meta=metadata(format_version="2")), "newer flowfit")
        self.refused(model_bytes(meta=metadata(checksum=None)), "checksum")
        self.refused(model_bytes(meta=metadata(checksum="nothing")), "checksum")
        self.refused(model_bytes(meta=metadata(config="[" * 1000)))

    def test_a_missing_model(self):
        self.bad(6, "logprob", "nothing", stdin="a,b\n", says="nothing")
        self.path("empty").mkdir()
        self.bad(6, "sample", "empty", "-n", "1", says=("empty", "model.safetensors"))


if __name__ == "__main__":
    unittest.main()
