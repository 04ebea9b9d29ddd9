"""Configs and tables with a fault: the exit code, the place and a hint, and nothing written."""

import unittest

from support.case import Case


class Errors(Case):
    def refused(self, code, *says, lines=1):
        before = self.files()
        result = self.bad(code, "train", "config.json", "data.csv", "-o", "run", "-q", says=says, lines=lines)
        self.assertEqual(self.files(), before)
        return result

    def table(self, code, text, *says):
        self.config()
        self.write("data.csv", text)
        self.refused(code, "data.csv", *says)
        # The same through check, and through stdin.
        self.bad(code, "check", "config.json", "data.csv", says=says)

    def test_config_files(self):
        self.circles()
        self.config("circles.json")
        self.bad(2, "train", "circle.json", "data.csv", says=("circle.json: no such config file", 'did you mean "circles.json"?'))
        self.path("folder").mkdir()
        self.bad(2, "train", "folder", "data.csv", says="a folder")
        self.write("config.json", '{"flow": [],}')
        self.refused(2, "config.json:1:13")
        self.write("config.json", '{"flow": [], "flow": []}')
        self.refused(2, "config.json:1:14: expected each key once")
        self.write("config.json", "[" * 1000000)
        self.refused(2, "config.json")
        self.write("config.json", "[]")
        self.refused(2, "config.json")
        self.write("config.json", b'{"flow": "\xff"}')
        self.refused(2, "UTF-8")

    def test_config_values(self):
        self.circles()
        for key, value, *says in (("train__steps", -1, "/train/steps", "-1"), ("train__steps", 3.7, "/train/steps", "3.7"),
                                  ("train__optimizer__learning_rate", 0, "/train/optimizer/learning_rate", "> 0"),
                                  ("train__optimizer__type", "adm", "/train/optimizer/type", '"adam"'),
                                  ("data__preprocess", "standardise", "/data/preprocess", '"standardize"'),
                                  ("data__validation", "some", "/data/validation", '"some"'),
                                  ("flw", [], "/flw", '"flow"')):
            self.config(**{key: value})
            self.refused(2, *says)
        self.config()
        self.bad(2, "train", "config.json", "data.csv", "-q", "--set", "train.steps=1e400", says="1e400")
        self.bad(2, "train", "config.json", "data.csv", "-q", "--set", "train.steps", says=("--set", "KEY=VALUE"))
        self.bad(2, "train", "config.json", "data.csv", "-q", "--set", "flow.7.net=3", says=("--set", '"7"'))

    def test_cells(self):
        for cell in ("abc", "NA", "nan", "inf", "", "1e400", "1;2", "2020-01-01"):
            self.table(3, f"x1,x2\n1,2\n3,{cell}\n5,6\n", "data.csv:3:2 (x2): expected a number")

    def test_rows(self):
        self.table(3, "x1,x2\n1,2\n1\n", "data.csv:3: expected 2 fields, got 1")
        self.table(3, "x1,x2\n1,2\n1,2,3\n3,4\n", "data.csv:3: expected 2 fields, got 3")
        self.table(3, 'x1,x2\n1,2\n1,"2\n3,4\n', "data.csv:3")
        self.table(3, "x1;x2\n1;2\n", "separated by commas")
        self.table(3, "x1,x1\n1,2\n", '"x1" again')
        self.table(3, "x1,\n1,2\n", "column name")
        self.table(3, b"\xff\xfex\0", "UTF-16")
        self.table(3, "x1,x2\r1,2\r", "data.csv")

    def test_categories_that_are_not_utf8(self):
        self.config(data__columns=["x1", {"name": "x2", "kind": "categorical"}], flow=[{"type": "elementwise", "univariate": {"type": "affine"}}])
        self.write("data.csv", b"x1,x2\n1,a\n2,caf\xe9\n3,b\n")
        self.refused(3, "data.csv:3:2 (x2): expected a category in UTF-8", "iconv")

    def test_another_delimiter(self):
        """The hint is one that every command understands."""
        run = self.trained()
        self.write("semi.csv", self.read("data.csv").replace(b",", b";"))
        config = "config.json"
        for call in (["train", config, "semi.csv", "-o", "other"], ["check", config, "semi.csv"], ["cv", config, "semi.csv", "--folds", "2"],
                     ["logprob", run, "semi.csv"], ["impute", run, "semi.csv"], ["evaluate", run, "semi.csv"], ["compare", run, run, "semi.csv"],
                     ["encode", run, "semi.csv"], ["plot", run, "semi.csv"], ["report", run, "semi.csv", "-o", "report.html"], ["init", "semi.csv"]):
            self.assertIn("--delimiter semicolon", self.bad(3, *call, "-q").err)
            self.good(*call, "-q", "--delimiter", "semicolon", err=None)

    def test_too_little(self):
        self.table(3, "", "an empty file")
        self.table(3, "x1,x2\n", "a header only")
        self.table(3, "x1,x2\n1,2\n", "rows")

    def test_constant_column(self):
        self.config()
        self.write("data.csv", "x1,x2\n" + "".join(f"{i},7\n" for i in range(20)))
        self.refused(3, 'column "x2" is constant (7)', "data.columns")
        self.bad(3, "check", "config.json", "data.csv", says='"x2" is constant (7)')

    def test_columns_of_the_config(self):
        self.circles()
        self.config(data__columns=["x1", "x3"])
        self.refused(3, 'data.csv: no column "x3"')
        self.config(data__columns=["x1", "x2", "x1"])
        self.refused(2, "/data/columns/2", "twice")

    def test_no_data_file(self):
        self.config()
        self.bad(6, "train", "config.json", "nothing.csv", "-q", says=("nothing.csv", "No such file"))

    def test_output_folder_that_cannot_be(self):
        self.circles()
        self.config()
        self.write("file", "text")
        self.bad(6, "train", "config.json", "data.csv", "-o", "file/run", "-q", says="file: expected a folder")
        self.trained("fine")
        self.bad(6, "sample", "fine", "-n", "1", "-o", "nowhere/out.csv", says="nowhere/out.csv")

    def test_check(self):
        self.circles()
        self.config()
        result = self.good("check", "config.json", "data.csv")
        self.assertRegex(result.lines()[0], r"^ok: 2 columns, \d+ parameters, 120 rows$")
        self.assertFalse(self.path("run").exists())
        checked = self.good("check", "config.json", "data.csv", "--json").json()
        self.assertEqual(checked["config"]["data"]["columns"], ["x1", "x2"])
        self.assertEqual(checked["config"]["train"]["optimizer"]["type"], "adam")
        self.bad(2, "check", "config.json", says=("data.columns", "DATA"))
        # As train would: no row of a table with numbers below its mean is an exponential of anything.
        self.config("exp.json", flow=[{"type": "exp"}])
        for command in ("check", "train"):
            self.bad(3, command, "exp.json", "data.csv", "-q", says="data.csv: expected rows inside the support of the flow, got x1 = ")
        self.config("none.json", flow=[{"type": "repeat", "times": 1000, "layers": []}], data__columns=["x1"])
        self.bad(2, "check", "none.json", says="/flow/0/layers: expected a list of at least one layer")
        self.config(data__columns=["x1", "x2"])
        self.good("check", "config.json")
        rows = self.read("data.csv").decode().splitlines()
        self.write("twice.csv", "x1,x2,x3\n" + "".join(f"{row},{row.split(',')[0]}\n" for row in rows[1:]))
        self.config()
        remarks = self.good("check", "config.json", "twice.csv", "--json").json()["remarks"]
        self.assertTrue(any("x3" in remark and "x1" in remark for remark in remarks), remarks)


if __name__ == "__main__":
    unittest.main()
