"""Tables in and out: compressed, tab-separated, JSON lines, .npy."""

import gzip
import json
import os
import struct
import subprocess
import time
import unittest

from support.case import BINARY, SANITIZED, Case
from support.npy import npy


def numbers(data):
    """Shape and numbers of a .npy that flowfit wrote."""
    header = eval(data[10:128])  # a literal of our own
    return header["shape"], list(struct.unpack(f"<{(len(data) - 128) // 8}d", data[128:]))


class Formats(Case):
    def setUp(self):
        super().setUp()
        self.trained()
        self.header, *self.rows = self.read("data.csv").decode().splitlines()
        self.scores = self.good("logprob", "run", "data.csv").out

    def cells(self):
        return [[float(cell) for cell in row.split(",")] for row in self.rows]

    def test_compressed_input(self):
        packed = gzip.compress(self.read("data.csv"))
        self.write("data.csv.gz", packed)
        self.write("misnamed.csv", packed)
        for name in ("data.csv.gz", "misnamed.csv"):
            self.assertEqual(self.good("logprob", "run", name).out, self.scores)
        self.assertEqual(self.good("logprob", "run", stdin=packed).out, self.scores)
        self.good("train", "config.json", "data.csv.gz", "-o", "again", "-q")
        self.assertEqual(self.read("again/model.safetensors"), self.read("run/model.safetensors"))
        self.write("cut.csv.gz", packed[:-20])
        self.bad(3, "logprob", "run", "cut.csv.gz", "-o", "out.csv",
                 says="cut.csv.gz: expected the rest of the gzip stream, got the end of the file; is it cut off?")
        self.write("hurt.csv.gz", packed[:200] + bytes([packed[200] ^ 255]) + packed[201:])
        self.bad(3, "logprob", "run", "hurt.csv.gz", "-o", "out.csv", says="hurt.csv.gz: expected whole gzip data, got damaged bytes")
        self.assertFalse(self.path("out.csv").exists())

    @unittest.skipIf(SANITIZED, "limits memory")
    def test_bomb(self):
        self.write("bomb.csv.gz", gzip.compress(b"x1,x2\n" + b"0" * (200 << 20), 1))
        result = self.shell('ulimit -v 300000; "$FLOWFIT" -j 1 logprob run bomb.csv.gz')
        self.assertEqual((result.code, result.err),
                         (3, "flowfit: error: bomb.csv.gz:2:1: expected a field of at most 1 MB, got more; is it a CSV file?\n"))

    def test_output_by_ending(self):
        plain = self.good("sample", "run", "-n", "50").out
        for ending in ("csv", "txt", "tsv", "csv.gz", "csv.zst", "tsv.zst", "jsonl", "jsonl.gz", "npy"):
            self.assertEqual(self.good("sample", "run", "-n", "50", "-o", "out." + ending).out, "")
        self.assertEqual(self.read("out.csv").decode(), plain)
        self.assertEqual(self.read("out.txt").decode(), plain)
        self.assertEqual(self.read("out.tsv").decode(), plain.replace(",", "\t"))
        self.assertEqual(gzip.decompress(self.read("out.csv.gz")).decode(), plain)
        self.assertEqual(gzip.decompress(self.read("out.jsonl.gz")), self.read("out.jsonl"))
        objects = [json.loads(line) for line in self.read("out.jsonl").splitlines()]
        rows = [[float(cell) for cell in line.split(",")] for line in plain.splitlines()[1:]]
        self.assertEqual(objects, [{"x1": a, "x2": b} for a, b in rows])
        self.assertEqual(numbers(self.read("out.npy")), ((50, 2), [cell for row in rows for cell in row]))
        expected = self.good("logprob", "run", stdin=plain).out
        for ending in ("tsv", "csv.gz", "csv.zst", "tsv.zst", "npy"):
            self.assertEqual(self.good("logprob", "run", "out." + ending).out, expected, ending)
        self.good("logprob", "run", "out.npy", "-o", "scores.npy")
        shape, scores = numbers(self.read("scores.npy"))
        self.assertEqual((shape, scores), ((50,), [float(line) for line in expected.splitlines()[1:]]))
        self.bad(2, "sample", "run", "-n", "1", "-o", "out.npy.gz", says="expected a .npy file that is not compressed")
        self.good("sample", "run", "-n", "0", "-o", "none.npy")
        self.assertEqual(numbers(self.read("none.npy")), ((0, 2), []))

    def test_npy(self):
        rows = self.cells()
        self.write("data.npy", npy(rows))
        self.write("columns.npy", npy(rows, fortran=True))
        for name in ("data.npy", "columns.npy"):
            self.assertEqual(self.good("logprob", "run", name).out, self.scores)
            self.assertEqual(self.good("evaluate", "run", name).out, self.good("evaluate", "run", "data.csv").out)
        self.assertEqual(self.good("logprob", "run", stdin=self.read("data.npy")).out, self.scores)
        with open(self.path("columns.npy"), "rb") as file:
            done = subprocess.run([BINARY, "logprob", "run"], cwd=self.folder, stdin=file, capture_output=True)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, self.scores))
        self.good("train", "config.json", "data.npy", "-o", "again", "-q")
        self.assertEqual(self.read("again/model.safetensors"), self.read("run/model.safetensors"))
        # Another number of columns: names of their own, which the model does not find.
        self.write("three.npy", npy([row + [0.0] for row in rows]))
        self.good("logprob", "run", "three.npy",
                  err='flowfit: three.npy: ignoring 1 column that the model does not use: "x3"\n')
        config = self.config("named.json", data__columns=["left", "right"])
        self.good("train", config, "data.npy", "-o", "named", "-q")
        self.bad(3, "logprob", "named", "three.npy", says='no columns "left", "right"')
        self.assertEqual(self.good("logprob", "named", "data.npy").out, self.scores)
        self.write("nan.npy", npy([[0.5, 0.25], [float("nan"), 1]]))
        self.bad(3, "logprob", "run", "nan.npy", says="nan.npy: row 2, column 1 (x1): expected a finite number, got nan")
        self.assertEqual(self.good("logprob", "run", "nan.npy", "--invalid", "nan", err=None).lines()[2], "nan")
        self.write("text.npy", npy(rows, descr="<U3"))
        self.bad(3, "logprob", "run", "text.npy", says="text.npy: expected little-endian numbers")
        whole = self.good("logprob", "run", "nan.npy", "--invalid", "skip", "--append", err=None).lines()
        self.assertEqual(whole[0], "x1,x2,logprob")
        self.assertTrue(whole[1].startswith("0.5,0.25,"))

    def test_streamed(self):
        self.write("data.npy", npy(self.cells(), kind="f", descr="<f4"))
        self.good("train", "config.json", "data.npy", "-o", "memory", "-q")
        result = self.good("train", "config.json", "data.npy", "-o", "disk", "--stream", err=None)
        self.assertIn("flowfit: data.npy: stays on disk; rows are read as they are needed\n", result.err)
        self.assertEqual(self.read("disk/model.safetensors"), self.read("memory/model.safetensors"))
        self.write("held.npy", npy(self.cells()[:40]))
        for name in ("memory", "disk"):
            flags = ["--stream"] if name == "disk" else []
            self.good("train", "config.json", "data.npy", "--validation", "held.npy", "-o", name, "--force", "-q", *flags, err=None)
        self.assertEqual(self.read("disk/model.safetensors"), self.read("memory/model.safetensors"))
        piped = self.shell('"$FLOWFIT" train config.json - -o piped --stream -q < data.npy')  # has no name to be mapped by
        self.assertEqual((piped.code, piped.err.count("expected a .npy file")), (2, 1), piped.err)
        self.bad(2, "train", "config.json", "data.csv", "-o", "none", "--stream",
                 says="--stream: expected a .npy file, not compressed, got data.csv; save the table as one")
        self.assertFalse(self.path("none").exists())

    def test_streamed_table_is_cut_off(self):
        self.write("data.npy", npy(self.cells() * 50))
        process = self.start("train", self.config("long.json", train__steps=1000000), "data.npy", "-o", "cut", "--stream", "-q")
        deadline = time.monotonic() + 30
        while not self.path("cut/last.safetensors").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.truncate(self.path("data.npy"), 4096)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 6)
        self.assertIn("error: a table that stays on disk was cut off", err.decode().splitlines()[-1])
        self.good("logprob", "cut", "data.csv")

    def test_encode_and_decode_by_place(self):
        """What encode writes without names, decode finds: with context too."""
        config = self.config("given.json", data__context=["x1"], flow=[{"type": "elementwise", "univariate": {"type": "spline"}}])
        self.good("train", config, "data.csv", "-o", "given", "-q")
        self.good("encode", "given", "data.csv", "-o", "base.npy")
        self.good("encode", "given", "data.csv", "-o", "base.csv")
        self.good("decode", "given", "base.npy", "-o", "back.npy")
        self.assertEqual(self.good("decode", "given", "base.npy").out, self.good("decode", "given", "base.csv").out)
        _, back = numbers(self.read("back.npy"))
        for i, (given, modelled) in enumerate(self.cells()):
            self.assertAlmostEqual(back[2 * i], modelled, places=5)
            self.assertEqual(back[2 * i + 1], given)
        # A single column is the context alone.
        self.write("context.npy", npy([[0.5], [0.25]]))
        self.write("context.csv", "x1\n0.5\n0.25\n")
        self.assertEqual(self.good("sample", "given", "-n", "2", "--given", "context.npy").out,
                         self.good("sample", "given", "-n", "2", "--given", "context.csv").out)

    def test_row_numbers_stay_whole(self):
        config = self.config("given.json", data__context=["x1"], flow=[{"type": "elementwise", "univariate": {"type": "affine"}}])
        self.good("train", config, "data.csv", "-o", "given", "-q")
        result = self.shell('(echo x1; yes 0.5 | head -n 100000) | "$FLOWFIT" sample given -n 1 --given - | tail -n 1')
        self.assertRegex(result.out, "^100000,")

    def test_delimiters(self):
        tsv = self.read("data.csv").replace(b",", b"\t")
        self.write("data.tsv", tsv)
        self.write("tabs.csv", tsv)
        self.write("data.tsv.gz", gzip.compress(tsv))
        self.write("semicolons.csv", self.read("data.csv").replace(b",", b";"))
        for call in (["data.tsv"], ["data.tsv.gz"], ["tabs.csv", "--delimiter", "tab"], ["semicolons.csv", "--delimiter", ";"]):
            self.assertEqual(self.good("logprob", "run", *call).out, self.scores)
        self.assertEqual(self.good("logprob", "run", "--delimiter", "tab", stdin=tsv).out, self.scores)
        self.good("train", "config.json", "semicolons.csv", "--delimiter", "semicolon", "-o", "again", "-q")
        self.assertEqual(self.read("again/model.safetensors"), self.read("run/model.safetensors"))
        self.good("check", "config.json", "data.tsv")
        self.assertEqual(self.good("evaluate", "run", "tabs.csv", "--delimiter", "tab").out, self.good("evaluate", "run", "data.csv").out)
        self.assertEqual(self.good("encode", "run", "data.tsv").out, self.good("encode", "run", "data.csv").out)
        self.assertEqual(self.good("logprob", "run", "data.tsv", "--append").lines()[0], "x1\tx2\tlogprob")
        self.bad(3, "logprob", "run", "tabs.csv", says="read it with --delimiter tab")
        for text in ("ab", "1", ".", '"', ""):
            self.bad(2, "logprob", "run", "data.csv", "--delimiter", text, says="--delimiter: expected comma, tab, semicolon, pipe")

    def test_append_needs_lines(self):
        for name in ("out.npy", "out.jsonl"):
            self.bad(2, "logprob", "run", "data.csv", "--append", "-o", name, says=name + ": expected a .csv or .tsv file")
            self.assertFalse(self.path(name).exists())


if __name__ == "__main__":
    unittest.main()
