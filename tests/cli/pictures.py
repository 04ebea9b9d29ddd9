"""plot and report: pictures that are whole, names that do no harm, and a page that stands alone."""

import html.parser
import os
import re
import shutil
import unittest
import xml.etree.ElementTree as ElementTree

from support.case import Case

GNUPLOT = shutil.which("gnuplot")
ODD = ["<b>x & y</b>", "it's `date`", 'a_b^{2}@"q"']


class Page(html.parser.HTMLParser):
    """The tags of a page as a tree: every one that is opened is closed, in order."""
    EMPTY = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


class Pictures(Case):
    def odd(self):
        """A model of three columns whose names are as bad as names can be."""
        self.circles("plain.csv", rows=200)
        rows = self.read("plain.csv").decode().split()[1:]
        quoted = ",".join('"' + name.replace('"', '""') + '"' for name in ODD)
        self.write("odd.csv", quoted + "\n" + "".join(f"{row},{i % 7}\n" for i, row in enumerate(rows)))
        self.good("train", self.config("odd.json"), "odd.csv", "-o", "odd", "-q")
        return "odd"


@unittest.skipUnless(GNUPLOT, "gnuplot is not installed")
class Plot(Pictures):
    def svg(self, *arguments):
        self.good("plot", *arguments, "-o", "out.svg")
        return ElementTree.fromstring(self.read("out.svg"))

    def words(self, svg):
        return [text for text in ("".join(e.itertext()).strip() for e in svg.iter("{http://www.w3.org/2000/svg}text")) if text]

    def test_every_picture(self):
        run = self.trained()
        for what, says in (("pairs", "data: 120 rows"), ("marginals", "draws of the model"), ("density", "density, exp(logprob)"),
                           ("pit", "PIT of x1"), ("coverage", "share of the rows inside"), ("loss", "nll (nats a row)")):
            data = [] if what in ("density", "loss") else ["data.csv"]
            with self.subTest(what):
                self.assertIn(says, self.words(self.svg(run, *data, "--what", what)))
                self.good("plot", run, *data, "--what", what, "-o", "out.png")
                self.assertTrue(self.read("out.png").startswith(b"\x89PNG\r\n\x1a\n"))
                text = self.good("plot", run, *data, "--what", what).out
                self.assertNotIn("\x1b", text)
                self.assertGreater(len(text.splitlines()), 10)
                self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertEqual(self.files(), sorted(["config.json", "data.csv", "out.png", "out.svg", "run"] + ["run/" + f for f in self.files("run")]))

    def test_default_picture(self):
        run = self.trained()
        self.assertEqual(self.good("plot", run, "data.csv").out, self.good("plot", run, "data.csv", "--what", "pairs").out)

    def test_same_bytes(self):
        run = self.trained()
        first = self.good("plot", run, "data.csv", "-j", "1", "-o", "a.svg")
        self.good("plot", run, "data.csv", "-j", "3", "-o", "b.svg")
        self.assertEqual(self.read("a.svg"), self.read("b.svg"))
        self.assertEqual(first.out, "")

    def test_names_are_drawn_as_they_are(self):
        words = self.words(self.svg(self.odd(), "odd.csv", "--what", "marginals"))
        for name in ODD:
            self.assertIn(name, words)

    def test_columns(self):
        run = self.odd()
        words = self.words(self.svg(run, "odd.csv", "--what", "marginals", "--column", ODD[2]))
        self.assertIn(ODD[2], words)
        self.assertNotIn(ODD[0], words)
        self.assertIn("data: 200 rows", self.words(self.svg(run, "odd.csv", "--column", ODD[0], "--column", ODD[1])))
        self.bad(2, "plot", run, "--column", "nope", says=('no column "nope"', "known"))
        self.bad(2, "plot", run, "--column", ODD[0], "--column", ODD[0], says="twice")
        self.bad(2, "plot", run, "--column", ODD[0], says=("two columns or more", "marginals"))

    def test_one_column(self):
        run = self.conditional()
        self.bad(2, "plot", run, says=("DATA", "conditional"))
        self.bad(2, "plot", run, "pairs.csv", "--what", "pairs", says="two columns or more")
        self.bad(2, "plot", run, "pairs.csv", "--what", "density", says="without context")
        self.assertIn("draws of the model", self.words(self.svg(run, "pairs.csv")))
        self.write("one.csv", "x\n" + "".join(f"{i % 10}\n" for i in range(100)))
        self.good("train", self.config("one.json", flow=[{"type": "elementwise", "univariate": {"type": "affine"}}]), "one.csv",
                  "-o", "one", "-q")
        self.assertIn("density of the model", self.words(self.svg("one", "--what", "density")))

    def test_refused(self):
        run = self.trained()
        self.bad(2, "plot", run, "-o", "out.jpg", says=(".svg or .png", '"out.jpg"'))
        self.bad(2, "plot", run, "--what", "pair", says='did you mean "pairs"?')
        self.bad(2, "plot", run, "--what", "pit", says="DATA")
        self.bad(2, "plot", "run/model.safetensors", "--what", "loss", says=("metrics.jsonl", "run folder"))
        self.bad(3, "plot", run, self.write("empty.csv", "x1,x2\n"), says="header only")
        self.bad(3, "plot", run, self.write("other.csv", "x1,z\n1,2\n"), says='no column "x2"')
        self.assertFalse(self.path("out.svg").exists())

    def test_categories_and_rows_with_gaps(self):
        rows = [f"{('small', 'large <x>', '')[i % 9 // 4]},{i % 9 // 4 + i % 7 / 7}" for i in range(180)]
        self.write("k.csv", "size,x\n" + "\n".join(rows) + "\n")
        kinds = [{"name": "size", "kind": "categorical"}, "x"]
        self.good("train", self.config("k.json", data__columns=kinds, data__missing="drop", flow=[]), "k.csv", "-o", "kinds", "-q", err=None)
        for what, words in (("marginals", ["size", "small", "large <x>", "share", "density"]), ("pairs", ["small", "large <x>"]), ("pit", ["PIT of x"])):
            self.good("plot", "kinds", "k.csv", "--what", what, "-o", "out.svg", err="flowfit: warning: k.csv: left out 20 rows with a missing cell\n")
            drawn = "".join(ElementTree.fromstring(self.read("out.svg")).itertext())
            for word in words:
                self.assertIn(word, drawn, what)
        self.assertNotIn("PIT of size", drawn)
        self.good("report", "kinds", "k.csv", "-o", "page.html", err=None)
        page = Page(self.read("page.html").decode())
        self.assertTrue(re.search(r"The commonest categories[^.]*\.\s*column\s*category\s*data\s*draws\s*size\s*large <x>\s*50 %[\d. %]*\s*small\s*50 %", page.text))
        self.assertNotRegex(page.text, r"size\s*data\s*0\.5")
        self.bad(2, "plot", "kinds", "k.csv", "--what", "pit", "--column", "size", "-o", "none.svg", says='--what pit: expected columns of numbers, got "size", one of categories')
        self.write("gaps.csv", "size,x\n,1\nsmall,\n")
        self.bad(3, "plot", "kinds", "gaps.csv", "-o", "none.svg", says="gaps.csv: expected rows without missing cells, got none")
        self.bad(2, "plot", "kinds", "--what", "density", "-o", "none.svg", says="without context, whole numbers or categories")
        self.good("train", self.config("e.json", data__columns=kinds, flow=[]), "-", "-o", "strict", "-q",
                  stdin="size,x\n" + "\n".join(row for row in rows if row[0] != ",") + "\n")
        self.bad(3, "plot", "strict", "k.csv", "-o", "none.svg", says="k.csv:10:1 (size)")

    def test_metrics_with_a_half_line(self):
        run = self.trained()
        whole = self.svg(run, "--what", "loss")
        with open(self.path("run/metrics.jsonl"), "ab") as file:
            file.write(b'{"step":9')
        self.assertEqual(self.words(self.svg(run, "--what", "loss")), self.words(whole))

    def test_outlier_does_not_crush(self):
        run = self.trained()
        rows = self.read("data.csv").decode()
        self.write("far.csv", rows + "1e6,-1e6\n")
        near = [w for w in self.words(self.svg(run, "data.csv", "--what", "marginals")) if re.fullmatch(r"[-0-9.e]+", w)]
        far = [w for w in self.words(self.svg(run, "far.csv", "--what", "marginals")) if re.fullmatch(r"[-0-9.e+]+", w)]
        self.assertLess(max(map(lambda w: abs(float(w)), far)), 10, near)


@unittest.skipUnless(GNUPLOT, "gnuplot is not installed")
class Report(Pictures):
    def test_page(self):
        run = self.trained()
        self.good("report", run, "data.csv", "-o", "report.html")
        text = self.read("report.html").decode()
        page = Page(text)
        self.assertEqual([f["id"] for f in page.all("figure")], ["loss", "marginals", "pairs", "pit", "coverage"])
        self.assertNotIn("http:", text)
        self.assertNotIn("https:", text)
        self.assertEqual(page.all("script") + page.all("link") + page.all("img"), [])
        self.assertNotIn("url(", text)
        for attributes in page.all("image"):
            self.assertTrue(attributes["href"].startswith("data:image/png;base64,"))
        # gnuplot writes its words in this black, which must turn light on a dark page.
        self.assertIn('fill="rgb(0,0,0)"', text)
        self.assertIn('svg [fill="rgb(0,0,0)"] { fill: var(--ink); }', text)
        # Each picture is XML as well, has a name for who cannot see it, and no id is used twice.
        pictures = re.findall(r"<svg.*?</svg>", text, re.S)
        self.assertEqual(len(pictures), 5)
        for picture in pictures:
            svg = ElementTree.fromstring(picture)
            title = svg.find("title")
            self.assertEqual(svg.get("aria-labelledby"), title.get("id"))
            self.assertGreater(len(title.text), 40)
        ids = [a["id"] for _, a in page.tags if "id" in a]
        self.assertEqual(len(ids), len(set(ids)))
        uses = {a["href"][1:] for a in page.all("use")}
        self.assertTrue(uses and uses <= set(ids))
        self.assertEqual(len(page.all("figcaption")), 5)

    def test_scores_are_those_of_evaluate(self):
        run = self.trained()
        scores = self.good("evaluate", run, "data.csv").json()
        text = Page(self.good("report", run, "data.csv").out).text.replace("−", "-")
        for key in ("mean_logprob", "bits_per_dimension"):
            self.assertIn(f"{scores[key]:.6g}", text)
        self.assertIn(f"{scores['standard_error']:.3g}", text)
        record = self.good("inspect", run, "--json").json()["training"]
        self.assertIn(f"{-record['train_nll']:.6g}", text)
        self.assertIn(f"{-record['validation_nll']:.6g}", text)

    def test_names_are_escaped(self):
        text = self.good("report", self.odd(), "odd.csv").out
        self.assertNotIn("<b>", text)
        page = Page(text)
        for name in ODD:
            self.assertGreater(page.text.count(name), 3, name)

    def test_conditional_and_a_bare_file(self):
        run = self.conditional()
        page = Page(self.good("report", run + "/model.safetensors", "pairs.csv").out)
        self.assertEqual([f["id"] for f in page.all("figure")], ["marginals", "pit", "coverage"])
        self.assertIn("No loss curve", page.text)
        self.assertIn("at the contexts of these rows", page.text)

    def test_another_base(self):
        self.good("train", self.config(base={"type": "student_t"}), self.circles(), "-o", "t", "-q")
        self.assertIn("ranks among 10000 draws", Page(self.good("report", "t", "data.csv").out).text)

    def test_same_bytes(self):
        run = self.trained()
        self.good("report", run, "data.csv", "-o", "a.html", "-j", "1")
        self.assertEqual(self.good("report", run, "data.csv", "-j", "4").out, self.read("a.html").decode())

    def test_refused(self):
        run = self.trained()
        self.bad(2, "report", run, says="DATA after MODEL")
        self.bad(2, "report", run, "data.csv", "-o", "data.csv", says="is the input")
        self.bad(3, "report", run, self.write("empty.csv", "x1,x2\n"), "-o", "report.html", says="header only")
        self.assertFalse(self.path("report.html").exists())
        self.assertEqual([f for f in self.files() if "tmp" in f], [])


class Missing(Pictures):
    def test_no_gnuplot(self):
        run = self.trained()
        self.path("empty").mkdir()
        nowhere = self.environment(PATH=str(self.path("empty")))
        before = self.files()
        self.bad(1, "plot", run, "data.csv", "-o", "out.svg", env=nowhere, says=("gnuplot", "install the package gnuplot-nox"))
        self.bad(1, "report", run, "data.csv", "-o", "out.html", env=nowhere, says=("gnuplot", "install the package gnuplot-nox"))
        self.assertEqual(self.files(), before)

    def test_gnuplot_that_fails(self):
        run = self.trained()
        before = self.files() + ["bin", "bin/gnuplot"]
        for script, says in (("echo gnuplot 5.4; [ $# -gt 1 ] || exit 0; echo '         line 0: no such thing' >&2; exit 1", "exit code 1: no such thing"),
                             ("echo gnuplot 5.4; [ $# -gt 1 ] || exit 0; kill -9 $$", "signal 9")):
            self.write("bin/gnuplot", "#!/bin/sh\n" + script + "\n")
            self.path("bin/gnuplot").chmod(0o755)
            broken = self.environment(PATH=f"{self.path('bin')}:{os.environ['PATH']}")
            self.bad(1, "plot", run, "data.csv", "-o", "out.svg", env=broken, says=("gnuplot", says))
            self.assertEqual(self.files(), sorted(before))


if __name__ == "__main__":
    unittest.main()
