"""init: the kind that each column gets, and why; train of a table alone."""

import json
import random
import unittest

from support.case import Case


def table(columns, rows):
    """A CSV of functions of the row's number."""
    return "\n".join([",".join(columns)] + [",".join(str(of(i)) for of in columns.values()) for i in range(rows)]) + "\n"


def draws(seed, of):
    draw = random.Random(seed)
    return lambda i: of(draw)


class Init(Case):
    def kind(self, of, rows=200):
        """Kind and reason of a column beside another one, and that both are told on stderr as in the config."""
        self.write("t.csv", table({"other": draws(1, lambda d: d.gauss(0, 1)), "c": of}, rows))
        result = self.good("init", "t.csv", err=None)
        data = result.json()["data"]
        kind, reason = data["note"]["c"].split(": ", 1)
        self.assertIn(f"flowfit: c: {kind} ({reason})\n", result.err)
        self.assertEqual(data["columns"][0], "other")
        entry = data["columns"][1]
        self.assertEqual(("c", "continuous") if entry == "c" else (entry["name"], entry["kind"]), ("c", kind))
        return kind, reason

    def test_each_rule(self):
        for of, kind, reason in [
            (lambda i: 7, "ignore", "constant"),
            (lambda i: "", "ignore", "every cell is missing"),
            (lambda i: i + 5, "ignore", "counts the rows"),
            (lambda i: f"2024-01-{1 + i % 28:02}", "ignore", 'dates or times such as "2024-01-01"'),
            (lambda i: f"name{i}", "ignore", "200 different texts in 200 rows: names"),
            (lambda i: "abc"[i % 3], "categorical", "3 different texts"),
            (lambda i: i % 2, "categorical", "2 different numbers"),
            (lambda i: i % 10 / 2, "categorical", "10 different numbers"),
            (lambda i: i % 11, "integer", "whole numbers, 0 to 10"),
            (draws(2, lambda d: max(0.0, d.gauss(1, 1))), "bounded", " are 0, the least"),
            (draws(2, lambda d: min(1.5, d.gauss(1, 1))), "bounded", " are 1.5, the most"),
            (lambda i: i * i / 7, "bounded", "never below 0"),
            (draws(2, lambda d: d.lognormvariate(0, 1)), "positive", " to "),
            (draws(2, lambda d: d.gauss(0, 1)), "continuous", " to "),
        ]:
            with self.subTest(reason=reason):
                got = self.kind(of)
                self.assertEqual(got[0], kind, got)
                self.assertIn(reason, got[1])

    def test_a_slip_among_numbers_is_told_with_its_row(self):
        for slip, kind in (("4O", "integer"), ("inf", "integer"), ("n.a.", "integer")):
            self.write("t.csv", table({"x": lambda i: i * i % 97 + 0.5, "n": lambda i: slip if i == 20 else i * i % 61}, 90))
            result = self.good("init", "t.csv", err=None)
            self.assertEqual(result.json()["data"]["columns"][1]["kind"], kind)
            self.assertIn(f'flowfit: warning: t.csv: row 21: column "n" holds "{slip}", its only cell that is no number', result.err)
            self.assertIn(f't.csv:22:2 (n): expected a number, got "{slip}"', self.bad(3, "train", "t.csv", "-q", lines=2, says=()).err)
        self.assertEqual(self.kind(lambda i: "X" if i % 50 == 7 else 0)[0], "categorical")
        self.assertEqual(self.kind(lambda i: f"w{i}" if i % 20 == 7 else i % 7, 24000)[0], "ignore")
        # Codes, some of them letters, are categories; and so are words of which some are numbers.
        self.assertEqual(self.kind(lambda i: "X" if i % 30 == 7 else i % 5)[0], "categorical")
        self.assertEqual(self.kind(lambda i: "X" if i % 3 == 1 else i % 50)[0], "categorical")

    def test_a_pile_is_of_some_rows(self):
        self.assertEqual(self.kind(draws(2, lambda d: d.gauss(0, 1)), 60)[0], "continuous")
        self.assertEqual(self.kind(lambda i: max(-1.0, draws(i, lambda d: d.gauss(0, 1))(i)), 60)[0], "bounded")

    def test_one_row(self):
        self.write("t.csv", "a,b\n1,2\n")
        self.bad(3, "init", "t.csv", "-q", says="expected at least 2 rows to train on, got 1")

    def test_more_texts_than_categories_can_be(self):
        self.assertEqual(self.kind(lambda i: f"t{i % 1001}", 4000), ("ignore", "more than 1000 different texts"))
        self.assertEqual(self.kind(lambda i: f"t{i % 1000}", 4000), ("categorical", "1000 different texts"))

    def test_missing_cells_are_dropped_unless_in_a_column_that_is_not_read(self):
        self.write("t.csv", table({"x": lambda i: "" if i == 3 else i * i + 0.5, "c": lambda i: 1}, 50))
        result = self.good("init", "t.csv", err=None)
        self.assertEqual(result.json()["data"]["missing"], "drop")
        self.assertIn("; 1 cell missing)", result.err)
        self.assertIn('rows with a missing cell are left out ("missing": "drop")', result.err)
        self.write("t.csv", table({"x": lambda i: i * i + 0.5, "c": lambda i: "" if i == 3 else 1}, 50))
        self.assertNotIn("missing", self.good("init", "t.csv", err=None).json()["data"])

    def test_nothing_to_model(self):
        self.write("t.csv", table({"c": lambda i: 1}, 9))
        result = self.flowfit("init", "t.csv", "-q")
        self.assertEqual((result.code, result.out), (3, ""))
        self.assertIn("expected a column to model", result.err)
        self.write("t.csv", "a,b\n")
        self.bad(3, "init", "t.csv", says="got a header only")
        self.bad(2, "init", says="expected DATA")

    def test_quiet_and_standard_input(self):
        text = table({"x": draws(2, lambda d: d.gauss(0, 1))}, 30)
        self.write("t.csv", text)
        alone = self.good("init", "t.csv", "-q")
        self.assertEqual(self.good("init", "-", "-q", stdin=text).out, alone.out)

    def test_train_of_a_table_alone_is_init_and_train(self):
        of = {"x": draws(2, lambda d: d.gauss(0, 1)), "y": draws(3, lambda d: d.gauss(0, 1))}
        lines = table(of, 200).splitlines()
        lines[4] = ",0.5"
        self.write("t.csv", "\n".join(lines) + "\n")
        alone = self.good("train", "t.csv", "--set", "train.steps=20", "--progress", "none", err=None)
        self.assertIn("dropped 1 row of 200 with a missing cell", alone.err)
        self.assertIn("flowfit: x: continuous (", alone.err)
        self.write("c.json", self.good("init", "t.csv", "-q").out)
        self.good("train", "c.json", "t.csv", "--set", "train.steps=20", "-q", "-o", "two", err=None)
        self.assertEqual(self.read("runs/t/config.json"), self.read("two/config.json"))
        self.assertEqual(self.good("sample", "runs/t", "-n", "5").out, self.good("sample", "two", "-n", "5").out)

    def test_a_config_alone_is_no_table(self):
        self.bad(2, "train", self.config(), says="expected DATA after CONFIG")
        self.bad(2, "train", "-", says="expected DATA after CONFIG")


if __name__ == "__main__":
    unittest.main()
