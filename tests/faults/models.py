"""Rows 25-28: scores far out under a spline, and model files that are damaged, lie, or are none."""

import json
import math
import random
import struct
import unittest

from fault import Fault
from model_file import TENSORS, metadata, model_bytes


def raw(header, data=b"", length=None):
    """A file with this header, whatever it says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


class Models(Fault):
    def refused(self, data, *says):
        self.write("bad.safetensors", data)
        return self.bad(4, "logprob", "bad.safetensors", stdin="a,b\n0,0\n", says=("bad.safetensors", *says))

    def test_25_a_million_under_a_spline(self):
        """The value by logprob, the gradient by a training with such rows."""
        far = "x1,x2\n1e6,-1e6\n-1e6,1e6\n1e6,0\n"
        draw = random.Random(1)
        self.write("far.csv", far + "".join(f"{draw.gauss(0, 1)},{draw.gauss(0, 1)}\n" for _ in range(60)))
        for spline in ("rational_quadratic", "rational_linear"):
            for scheme in ("coupling", "autoregressive", "elementwise"):
                flow = [{"type": scheme, "univariate": {"type": "spline", "kind": spline, "bins": 4, "bound": 3.0}}]
                self.config(flow=flow, data={"preprocess": "none", "validation": 0}, train__steps=5, train__evaluate_every=1)
                self.good("train", "config.json", "far.csv", "-o", "run", "--force", "-q")
                for line in self.metrics("run"):
                    self.assertTrue(math.isfinite(line["train_nll"]) and math.isfinite(line["gradient_norm"]), line)
                for score in self.good("logprob", "run", stdin=far).numbers():
                    self.assertTrue(math.isfinite(score))

    def test_26_cut_or_flipped_anywhere(self):
        """At every byte: there is no length and no single changed byte that is taken for a model."""
        whole = model_bytes(checksum=True)
        self.write("whole.safetensors", whole)
        self.good("logprob", "whole.safetensors", stdin="a,b\n0,0\n")
        self.refused(whole + b"\0")
        for size in range(len(whole)):
            self.refused(whole[:size])
        for place in range(len(whole)):
            self.refused(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])

    def test_27_headers_that_lie(self):
        """Refused before memory is asked for what they claim."""
        good = {"__metadata__": metadata()}
        tensor = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
        eight = bytes(8)
        for data, says in (
            (raw(good, length=1 << 63), "not a model file"), (raw(good, length=0), "not a model file"),
            (raw(good, length=len(json.dumps(good)) + 1), "not a model file"), (raw(good, length=99 << 20), "not a model file"),
            (raw({**good, "a": tensor, "b": tensor}, eight), "overlaps another"),
            (raw({**good, "a": {**tensor, "data_offsets": [8, 16]}}, eight * 2), "follows a hole"),
            (raw({**good, "a": tensor}, eight * 2), "8 bytes after the last tensor"), (raw({**good, "a": tensor}, b"1234"), "ends beyond the file"),
            (raw(json.dumps({**good, "a": tensor})[:-1].encode() + b', "a": {}}', eight), "each key once"),
            (raw({**good, "a": {**tensor, "data_offsets": [-8, 0]}}), "whole numbers"),
            (raw({**good, "a": {**tensor, "data_offsets": [8, 0]}}, eight), "data_offsets"),
            (raw({**good, "a": {**tensor, "shape": [1 << 40, 1 << 40]}}, eight), "overflows"),
            (raw({**good, "a": {**tensor, "shape": [1 << 50]}}, eight), "data_offsets do not give them"),
            (raw({**good, "a": {**tensor, "dtype": "F16"}}, eight), "F32 or F64"), (raw({**good, "a": 3}, eight), "dtype, shape"),
        ):
            self.refused(data, says)
        # A config of 4 billion weights in a file of a kilobyte.
        config = {"data": {"columns": ["a", "b"], "preprocess": "none"},
                  "flow": [{"type": "coupling", "univariate": {"type": "affine"}, "net": {"hidden": [65536, 65536]}}]}
        self.write("huge.safetensors", model_bytes(TENSORS, metadata(config=json.dumps(config), schema=None)))
        self.bad(4, "logprob", "huge.safetensors", stdin="a,b\n0,0\n", says="[65536, 1]")
        self.needs_memory_limits()
        result = self.shell('ulimit -v 300000; echo a,b | "$FLOWFIT" -j 1 logprob huge.safetensors')
        self.error_line(result, 4, "[65536, 1]")

    def test_28_no_model_for_this_program(self):
        def with_tensor(name, value):
            return {**TENSORS, name: value}

        for number in (math.nan, math.inf, -math.inf):
            self.refused(model_bytes(with_tensor("flow.0.net.1.bias", ([2], [0.0, number]))), "flow.0.net.1.bias", "not a finite number")
        self.refused(model_bytes(with_tensor("flow.0.net.1.bias", ([3], [0.0] * 3))), "shape [2], got [3]")
        self.refused(model_bytes({k: v for k, v in TENSORS.items() if k != "flow.1.raw"}), 'no tensor "flow.1.raw"')
        self.refused(model_bytes(meta=metadata(format_version="2")), "newer flowfit")
        self.refused(model_bytes(meta=metadata(format_version=None)), "flowfit did not write it")
        noise = random.Random(1).randbytes(5000)
        for data in (b"\x80\x04\x95\x10\0\0\0\0\0\0\0 a pickle", b"\x7fELF\x02\x01\x01" + noise, b"PK\x03\x04" + noise, noise, b"", b"x,y\n1,2\n"):
            self.refused(data, "not a model file")


if __name__ == "__main__":
    unittest.main()
