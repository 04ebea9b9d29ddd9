"""sample: seeds, prefixes, conditional draws, and the pipe into logprob."""

import unittest

from support.case import Case


class Sample(Case):
    def test_header_rows_and_default_seed(self):
        run = self.trained()
        result = self.good("sample", run, "-n", "100")
        self.assertEqual(result.lines()[0], "x1,x2")
        self.assertEqual(len(result.lines()), 101)
        self.assertEqual(self.good("sample", run, "-n", "100").out, result.out)
        self.assertEqual(self.good("sample", run, "-n", "100", "--seed", "0", "-j", "3").out, result.out)
        self.assertNotEqual(self.good("sample", run, "-n", "100", "--seed", "1").out, result.out)
        self.good("sample", run, "-n", "100", "-o", "out.csv")
        self.assertEqual(self.read("out.csv").decode(), result.out)

    def test_prefix(self):
        run = self.trained()
        many = self.good("sample", run, "-n", "40000").lines()
        for n in (0, 1, 10, 97, 17000):
            self.assertEqual(self.good("sample", run, "-n", n).lines(), many[:n + 1])

    def test_pipe(self):
        self.trained()
        result = self.shell('set -o pipefail; "$FLOWFIT" sample run -n 2000 | "$FLOWFIT" logprob run -')
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(len(result.lines()), 2001)
        self.assertEqual(result.lines()[0], "logprob")

    def test_given_file(self):
        model = self.conditional()
        self.write("context.csv", "note,x\na,1.5\nb,-2\n")
        result = self.good("sample", model, "-n", "3", "--given", "context.csv",
                           err='flowfit: context.csv: ignoring 1 column that the model does not use: "note"\n')
        self.assertEqual(result.lines()[0], "row,y")
        self.assertEqual([line.split(",")[0] for line in result.lines()[1:]], ["1", "1", "1", "2", "2", "2"])
        more = self.good("sample", model, "-n", "5", "--given", "context.csv", "-q").lines()
        self.assertEqual(result.lines()[1:4], more[1:4])
        self.assertEqual(result.lines()[4:7], more[6:9])
        # A context row's draws do not depend on the rows before it, but on its place.
        self.write("changed.csv", "x\n0\n-2\n")
        self.assertEqual(self.good("sample", model, "-n", "3", "--given", "changed.csv").lines()[4:], result.lines()[4:])
        piped = self.good("sample", model, "-n", "3", "--given", "-", stdin="x\n1.5\n-2\n")
        self.assertEqual(piped.out, result.out)

    def test_many_context_rows(self):
        """Rows of context share batches, and yet a draw depends on seed, row and its number alone."""
        model = self.conditional()
        self.write("many.csv", "x\n" + "".join(f"{i / 100}\n" for i in range(700)))
        once = self.good("sample", model, "-n", "1", "--given", "many.csv").lines()
        twice = self.good("sample", model, "-n", "2", "--given", "many.csv", "-j3").lines()
        self.assertEqual(once[1:], twice[1::2])
        self.assertEqual([line.split(",")[0] for line in once[1:]], [str(i + 1) for i in range(700)])
        self.write("last.csv", "x\n" + "0\n" * 699 + "6.99\n")
        self.assertEqual(self.good("sample", model, "-n", "1", "--given", "last.csv").lines()[-1], once[-1])

    def test_given_value(self):
        model = self.conditional()
        result = self.good("sample", model, "-n", "2000", "--given", "x=1.5")
        self.assertEqual(result.lines()[0], "row,y")
        values = result.numbers(1)
        self.assertAlmostEqual(sum(values) / len(values), 3.0, delta=0.6)
        self.write("one.csv", "x\n1.5\n")
        self.assertEqual(self.good("sample", model, "-n", "2000", "--given", "one.csv").out, result.out)

    def test_given_refused(self):
        model = self.conditional()
        self.bad(2, "sample", model, "-n", "3", says=("conditional on x", "--given x=VALUE"))
        self.bad(2, "sample", model, "-n", "3", "--given", "z=1", says=('"z"', "x"))
        self.bad(2, "sample", model, "-n", "3", "--given", "x=abc", says='"abc"')
        self.bad(2, "sample", model, "-n", "3", "--given", "x=1", "--given", "x=2", says="twice")
        self.write("wrong.csv", "xx\n1\n")
        result = self.flowfit("sample", model, "-n", "3", "--given", "wrong.csv", "-o", "out.csv")
        self.assertEqual(result.code, 3, result.err)
        self.assertIn('wrong.csv: no column "x"', result.err)
        self.assertFalse(self.path("out.csv").exists())
        self.bad(2, "sample", self.trained(), "-n", "3", "--given", "x=1", says="no context columns")

    def test_numbers_refused(self):
        self.trained()
        for n in ("-1", "1.5", "1e3", "010", "nan", "", "99999999999999999999"):
            self.bad(2, "sample", "run", "-n", n, says=("--count", f'"{n}"'))
        for seed in ("-1", "99999999999999999999", "0x1", "1.0"):
            self.bad(2, "sample", "run", "-n", "1", "--seed", seed, says=("--seed", "18446744073709551615"))
        self.bad(2, "sample", "run", says="-n")
        self.good("sample", "run", "-n", "1", "--seed", "18446744073709551615")

    def test_encode_and_decode(self):
        self.trained()
        base = self.good("encode", "run", "data.csv", "-o", "base.csv")
        self.assertEqual(base.out, "")
        back = self.good("decode", "run", "base.csv")
        self.assertEqual(back.lines()[0], "x1,x2")
        for was, now in zip(self.read("data.csv").decode().splitlines()[1:], back.lines()[1:]):
            for a, b in zip(was.split(","), now.split(",")):
                self.assertAlmostEqual(float(a), float(b), delta=1e-4)

    def test_encode_carries_the_context(self):
        model = self.conditional()
        base = self.good("encode", model, "pairs.csv", "--log-det")
        self.assertEqual(base.lines()[0], "x,y,log_det")
        back = self.good("decode", model, stdin=base.out, err=None)
        self.assertEqual(back.lines()[0], "x,y")
        self.assertEqual([line.split(",")[0] for line in base.lines()[1:]], [line.split(",")[0] for line in back.lines()[1:]])


if __name__ == "__main__":
    unittest.main()
