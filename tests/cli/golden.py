"""Models exported from other packages by scripts/make_goldens, and one of an earlier flowfit: the real binary's scores are theirs."""

import csv
import pathlib
import unittest

from support.case import Case

MODELS = pathlib.Path(__file__).parents[1] / "golden" / "models"


class Golden(Case):
    def compare(self, model, dtype, tolerance):
        with open(MODELS / f"{model}.csv") as file:
            header, *rows = csv.reader(file)
        self.assertEqual(header[-1], "logprob")
        expected = [float(row[-1]) for row in rows]
        table = "\n".join(",".join(row[:-1]) for row in [header, *rows]) + "\n"
        got = self.good("logprob", MODELS / f"{model}.{dtype}.safetensors", stdin=table).numbers()
        self.assertEqual(len(got), len(expected))
        for number, (ours, theirs) in enumerate(zip(got, expected), 1):
            what = f"{model}, {dtype}, row {number}: expected {theirs}, got {ours}"
            self.assertLessEqual(abs(ours - theirs), tolerance * max(1, abs(theirs)), what)

    def test_every_model_is_compared(self):
        self.assertEqual(
            {path.name.split(".")[0] for path in MODELS.iterdir()}, {"flowfit_1", "nflows_coupling", "nflows_maf", "nflows_nsf"}
        )

    def test_flowfit_1(self):
        """A model that flowfit 0.1.0 trained (act_norm, coupling, permutation, autoregressive, lu_linear) and its scores of then: format version 1 stays readable."""
        self.compare("flowfit_1", "float64", 1e-9)

    def test_nflows_coupling(self):
        self.compare("nflows_coupling", "float64", 1e-10)
        self.compare("nflows_coupling", "float32", 1e-6)

    def test_nflows_maf(self):
        self.compare("nflows_maf", "float64", 1e-10)
        self.compare("nflows_maf", "float32", 1e-6)

    def test_nflows_nsf(self):
        self.compare("nflows_nsf", "float64", 1e-10)
        self.compare("nflows_nsf", "float32", 1e-6)


if __name__ == "__main__":
    unittest.main()
