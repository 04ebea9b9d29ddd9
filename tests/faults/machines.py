"""Rows 32, 33 and 35: other numbers of threads, another class of CPU, and too little memory."""

import random
import unittest

from fault import Fault


class Machines(Fault):
    def test_32_threads_and_order(self):
        self.circles(rows=500)
        self.config(train__batch_size=64, train__jitter=0.01, flow=[
            {"type": "autoregressive", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [16, 16], "dropout": 0.1}},
            {"type": "permutation"}, {"type": "act_norm"}])
        for threads, how in (("1", "-q"), ("2", "-v"), ("3", "-q"), ("8", "-v")):
            self.good("train", "config.json", "data.csv", "-o", "run" + threads, "-j", threads, how, err=None)
            self.same_model("run" + threads, "run1")
        scores = self.good("logprob", "run1", "data.csv", "-j", "1").lines()[1:]
        samples = self.good("sample", "run1", "-n", "1000", "-j", "1").out
        for threads in "238":
            self.assertEqual(self.good("logprob", "run1", "data.csv", "-j", threads, "-q").lines()[1:], scores)
            self.assertEqual(self.good("sample", "run1", "-n", "1000", "-j", threads, "-v").out, samples)
        header, *rows = self.read("data.csv").decode().splitlines()
        order = list(range(len(rows)))
        random.Random(1).shuffle(order)
        shuffled = self.good("logprob", "run1", stdin="\n".join([header] + [rows[i] for i in order])).lines()[1:]
        self.assertEqual(shuffled, [scores[i] for i in order])
        for i in (0, 1, 95, 96, 499):
            self.assertEqual(self.good("logprob", "run1", stdin=f"{header}\n{rows[i]}\n").lines()[1:], [scores[i]])

    def test_33_another_class_of_cpu(self):
        """The libraries for other CPUs score the same model alike, and what they train is as good."""
        def without(*features):
            return self.environment(GLIBC_TUNABLES="glibc.cpu.hwcaps=" + ",".join("-" + feature for feature in features))

        here = self.good("--version").out
        others = [env for env in (without("AVX2", "FMA"), without("AVX512F")) if self.good("--version", env=env).out != here]
        if not others:
            self.skipTest("this build has one instruction set (the preset release has more), or this CPU has no AVX2")
        self.circles(rows=500)
        self.config(train__dtype="float64", flow=[
            {"type": "autoregressive", "univariate": {"type": "spline", "bins": 8}, "net": {"hidden": [32, 32]}}, {"type": "permutation"}])
        last = self.good("train", "config.json", "data.csv", "-o", "run", "-q").json()
        scores = self.good("logprob", "run", "data.csv").numbers()
        for env in others:
            for a, b in zip(scores, self.good("logprob", "run", "data.csv", env=env).numbers()):
                self.assertLessEqual(abs(a - b), 1e-9 * max(1, abs(a)))
            trained = self.good("train", "config.json", "data.csv", "-o", "other", "--force", "-q", env=env).json()
            self.assertAlmostEqual(trained["validation_nll"], last["validation_nll"], delta=1e-6)

    def test_35_out_of_memory(self):
        """Exit 1 and a line that says for what; nothing aborts, nothing is left."""
        self.needs_memory_limits()
        self.trained()
        self.config("huge.json", flow=[{"type": "coupling", "univariate": {"type": "affine"}, "net": {"hidden": [30000, 30000]}}])
        before = self.files()
        result = self.shell('ulimit -v 1000000; exec "$FLOWFIT" train huge.json data.csv -o other -q -j 1')
        self.error_line(result, 1, "out of memory for 9001", " parameters", "smaller networks")
        result = self.shell("""{ echo x1,x2; yes 1.5,2.5 | head -n 20000000; } | (ulimit -v 300000; "$FLOWFIT" train config.json - -o other -q -j 1)""")
        self.error_line(result, 1, "out of memory for the table stdin: ", " rows of 2 columns", "fewer rows")
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main()
