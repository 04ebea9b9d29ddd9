"""Rows 13-24 and 34: tables with something wrong, each told with its place and a hint, or taken as it is meant."""

import gzip
import json
import random
import unittest

from fault import Fault


class Tables(Fault):
    def refused(self, text, *says):
        """By train, check and logprob alike: exit 3, one line, nothing written."""
        self.write("bad.csv", text)
        before = self.files()
        self.bad(3, "train", "config.json", "bad.csv", "-o", "other", "-q", says=("bad.csv", *says))
        self.bad(3, "check", "config.json", "bad.csv", says=("bad.csv", *says))
        self.bad(3, "logprob", "run", "bad.csv", "-o", "out.csv", says=("bad.csv", *says))
        self.assertEqual(self.files(), before)

    def setUp(self):
        super().setUp()
        self.trained()

    def test_13_cells_that_are_no_numbers(self):
        for cell, hint in (("nan", "missing values"), ("inf", "no density"), ("NA", "row"), ("", "an empty cell"), ("1e400", "range of a double"),
                           ("abc", "column of words"), ("1;2", ""), ("2020-01-01", "dates")):
            self.refused(f"x1,x2\n0,0.5\n3,{cell}\n5,6\n", "bad.csv:3:2 (x2): expected a number, got ", cell, hint)
        text = "x1,x2\n0.5,0.25\nNA,1\n0.1,\n0.1,0.2\n"
        clean = self.good("logprob", "run", stdin="x1,x2\n0.5,0.25\n0.1,0.2\n").lines()
        skipped = self.good("logprob", "run", "--invalid", "skip", stdin=text,
                            err="flowfit: warning: stdin: left out 2 rows with a cell that is no number\n")
        self.assertEqual(skipped.lines(), clean)

    def test_14_ragged_rows(self):
        self.refused("x1,x2\n1,2\n1\n3,4\n", "bad.csv:3: expected 2 fields, got 1")
        self.refused("x1,x2\n1,2\n3,4\n1,2,3\n", "bad.csv:4: expected 2 fields, got 3")
        self.refused("x1,x2\n1,2\n\n3,4\n", "bad.csv:3: expected 2 fields, got a blank line")
        self.refused("x1,x2\n1,2\n3", "bad.csv:3: expected 2 fields, got 1", "cut off")

    def test_15_a_field_of_100_megabytes(self):
        self.needs_memory_limits()
        for opening in ("", '"'):
            result = self.shell(f"""{{ printf 'x1,x2\\n1,{opening}'; head -c 100000000 /dev/zero | tr '\\0' 7; }} |
                                (ulimit -v 300000; "$FLOWFIT" -j 1 logprob run - > out.csv)""")
            self.error_line(result, 3, "stdin:2:2: expected a field of at most 1 MB")

    def test_16_line_ends_and_marks_change_nothing(self):
        text = self.read("data.csv")
        for name, variant in (("bom", b"\xef\xbb\xbf" + text), ("crlf", text.replace(b"\n", b"\r\n")), ("cut", text.rstrip(b"\n")),
                              ("trailing", text + b"\n\n\r\n"), ("all", b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n") + b"\r\n")):
            self.write("variant.csv", variant)
            self.good("train", "config.json", "variant.csv", "-o", name, "-q")
            self.same_model(name, "run")

    def test_17_bytes_that_are_no_text(self):
        self.refused(b"x1,x2\r1,2\r3,4\r", "a lone carriage return", "convert the line ends")
        self.refused(b"x1,x2\n1,2\n3,\x004\n", "bad.csv:3", "NUL")
        self.refused("x1,x2\n1,2\n".encode("utf-16"), "UTF-16", "iconv")

    def test_18_quotes(self):
        rows = self.read("data.csv").decode().splitlines()
        quoted = ['"x1","x2","a ""note"""'] + [f'"{row.split(",")[0]}",{row.split(",")[1]},"line\nof ""two"", yes"' for row in rows[1:]]
        self.write("quoted.csv", "\n".join(quoted) + "\n")
        self.config("named.json", data__columns=["x1", "x2"])
        self.good("train", "named.json", "quoted.csv", "-o", "quoted", "-q")
        self.good("train", "named.json", "data.csv", "-o", "plain", "-q")
        self.same_model("quoted", "plain")
        self.refused('x1,x2\n1,2\n1,"2\n3,4\n', "bad.csv:3", "quote")
        self.refused('x1,x2\n1,2\n1,"2"x\n', "bad.csv:3", "quote")

    def test_19_too_little(self):
        self.config()
        texts = set()
        for text, says in (("", "an empty file"), ("x1,x2\n", "a header only"), ("x1,x2\n1,2\n", "at least 2 rows")):
            self.write("bad.csv", text)
            texts.add(self.bad(3, "train", "config.json", "bad.csv", "-o", "other", "-q", says=("bad.csv", says)).err)
            self.assertFalse(self.path("other").exists())
        self.assertEqual(len(texts), 3)

    def test_20_headers(self):
        self.refused("x1,x1\n1,2\n", '"x1" again', "rename")
        self.refused("x1,\n1,2\n", "expected a column name, got an empty field", "without a comma")
        self.refused(",x1,x2\n0,1,2\n", "without its index")
        self.refused("x1;x2\n1;2\n", "separated by commas", "read it with --delimiter semicolon")
        self.refused("x1\tx2\n1\t2\n", "separated by commas", "tabs")

    def test_21_no_header(self):
        bare = self.read("data.csv").split(b"\n", 1)[1]
        self.write("bare.csv", bare)
        self.config("any.json")
        for call in (("train", "any.json", "bare.csv", "-o", "bare", "-q"), ("check", "any.json", "bare.csv")):
            result = self.good(*call, err=None)
            self.assertIn("flowfit: warning: bare.csv: the first row looks like data, and was taken as the column names", result.err)

    def test_22_columns_that_have_no_density(self):
        draw = random.Random(1)
        rows = [(draw.gauss(0, 1), draw.gauss(5, 2)) for _ in range(200)]

        def told(names, row_of, *says):
            """By check as a remark, and in train's log."""
            self.write("odd.csv", names + "\n" + "".join(",".join(map(repr, row_of(i, *row))) + "\n" for i, row in enumerate(rows)))
            remarks = "\n".join(self.good("check", "config.json", "odd.csv", "--json").json()["remarks"])
            log = self.good("train", "config.json", "odd.csv", "-o", "odd", "--force", err=None).err
            for text in says:
                self.assertIn(text, remarks)
                self.assertIn(text, log)
            return remarks

        self.config(train__steps=2)
        self.assertEqual(told("a,b", lambda i, a, b: (a, b)), "")
        told("a,b,c", lambda i, a, b: (a, b, a), 'column "c" equals column "a" in every row')
        told("a,b,c", lambda i, a, b: (a, b, 3 - 2 * a), 'column "c" is a linear function of "a";')
        told("a,b,total", lambda i, a, b: (a, b, a + b), 'column "total" is a linear function of "a", "b";', "leave one out")
        told("a,b", lambda i, a, b: (a, round(b)), 'column "b": ', "occur more than once", '"kind": "integer"')
        told("a,b", lambda i, a, b: (a, round(b) + 0.5), 'column "b": ', "occur more than once", "train.jitter")
        told("a,b", lambda i, a, b: (a, 1e9 if i == 7 else b), 'column "b": its value 1000000000', "interquartile ranges", "crushes the scale")
        self.write("constant.csv", "a,b\n" + "".join(f"{i},7\n" for i in range(20)))
        for command in (("train", "-q", "-o", "never"), ("check",)):
            self.bad(3, command[0], "config.json", "constant.csv", *command[1:], says=('column "b" is constant (7)', "data.columns"))

    def test_23_columns_by_name_when_scoring(self):
        rows = self.read("data.csv").decode().splitlines()
        scores = self.good("logprob", "run", "data.csv").out
        swapped = "".join(",".join(reversed(row.split(","))) + "\n" for row in rows)
        self.assertEqual(self.good("logprob", "run", stdin=swapped).out, scores)
        more = "".join(f"{'id' if i == 0 else i},{row},{'name' if i == 0 else 'Bob'}\n" for i, row in enumerate(rows))
        note = 'flowfit: stdin: ignoring 2 columns that the model does not use: "id", "name"\n'
        self.assertEqual(self.good("logprob", "run", stdin=more, err=note).out, scores)
        for command in ("logprob", "encode"):
            self.bad(3, command, "run", stdin="x1,y2\n1,2\n", says='stdin: no column "x2"')

    def test_24_outside_the_support(self):
        config = {"data": {"preprocess": "none", "validation": 0}, "train": {"steps": 5},
                  "flow": [{"type": "elementwise", "univariate": {"type": "affine"}}, {"type": "exp"}]}
        self.write("positive.json", json.dumps(config))
        self.write("positive.csv", "x\n1\n2\n3\n4\n")
        self.good("train", "positive.json", "positive.csv", "-o", "positive", "-q")
        warning = "flowfit: warning: stdin: 3 of 4 rows lie outside the support (logprob -inf)\n"
        result = self.good("logprob", "positive", stdin="x\n-1\n2\n0\n-1e300\n", err=warning)
        self.assertEqual([line == "-inf" for line in result.lines()[1:]], [True, False, True, True])
        score = self.good("evaluate", "positive", "-", stdin="x\n-1\n2\n0\n-1e300\n", err=warning).json()
        self.assertEqual((score["rows"], score["outside_support"], score["mean_logprob"]), (4, 3, None))

    def test_34_compressed_tables(self):
        """Cut off, or of more than they seem: refused in bounded memory."""
        whole = gzip.compress(self.read("data.csv"), mtime=0)
        for data in (whole[: len(whole) // 2], whole[:12], b"\x28\xb5\x2f\xfd cut zstd"):
            self.refused(data)
        self.needs_memory_limits()
        self.write("bomb.csv.gz", gzip.compress(bytes(200 << 20), mtime=0))
        result = self.shell('ulimit -v 300000; exec "$FLOWFIT" -j 1 logprob run bomb.csv.gz')
        self.error_line(result, 3, "bomb.csv.gz")


if __name__ == "__main__":
    unittest.main()
