"""The work that flowfit and its peers are timed on, by name; standard library only, so that the driver can read it."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One shape of work. A step is one training step on `rows` rows, or `rows` rows sampled or scored.

    form        autoregressive, coupling, maf, or tutorial (Pyro's normalizing-flow tutorial: no dense count)
    transforms  how many; in the spline forms a random permutation and an LU linear map stand before each
    width       units of a hidden layer
    blocks      residual blocks, two linear layers each (spline forms)
    bins        of the rational-quadratic spline on [-bound, bound], linear tails
    A coupling lets the first columns // 2 columns through and transforms the others.
    """

    name: str
    what: str
    form: str
    columns: int
    rows: int
    kind: str = "train"
    transforms: int = 0
    width: int = 0
    blocks: int = 0
    bins: int = 0
    bound: float = 3.0

    @property
    def dense_layers(self):
        """(inputs, outputs) of each linear layer of one transform's network."""
        if self.form == "tutorial":
            return []
        d, h = self.columns, self.width
        if self.form == "maf":
            return [(d, h), (h, h), (h, 2 * d)]
        inputs, outputs = (d, d) if self.form == "autoregressive" else (d // 2, d - d // 2)
        return [(inputs, h)] + [(h, h)] * (2 * self.blocks) + [(h, outputs * (3 * self.bins - 1))]

    @property
    def weights(self):
        """Weight entries of all networks, masked ones counted, LU maps left out; 0 for the tutorial's."""
        return self.transforms * sum(i * o for i, o in self.dense_layers)


def _power(**more):
    return dict(columns=6, transforms=10, width=256, blocks=2, bins=8, **more)


def _miniboone(**more):
    return dict(columns=43, transforms=10, width=64, blocks=1, bins=4, **more)


_AR, _C = "autoregressive", "coupling"

_ALL = [
    Case("tutorial_spline", "Pyro tutorial: elementwise rational-linear spline, 16 bins, bound 3", "tutorial", 2, 1000),
    Case("tutorial_coupling", "Pyro tutorial: spline coupling, 16 bins, net [20, 20]", "tutorial", 2, 1000),
    Case("tutorial_conditional", "Pyro tutorial: p(x1) p(x2|x1), splines of 8 bins, net [10, 10]", "tutorial", 2, 1000),
    Case("power_ar", "RQ-NSF (AR), POWER shape", _AR, rows=512, **_power()),
    Case("power_coupling", "RQ-NSF (C), POWER shape", _C, rows=512, **_power()),
    Case("miniboone_ar_64", "RQ-NSF (AR), MINIBOONE shape, batch 64", _AR, rows=64, **_miniboone()),
    Case("miniboone_ar_128", "RQ-NSF (AR), MINIBOONE shape, batch 128", _AR, rows=128, **_miniboone()),
    Case("miniboone_coupling_64", "RQ-NSF (C), MINIBOONE shape, batch 64", _C, rows=64, **_miniboone()),
    Case("miniboone_coupling_128", "RQ-NSF (C), MINIBOONE shape, batch 128", _C, rows=128, **_miniboone()),
    Case("miniboone_ar_score", "RQ-NSF (AR), MINIBOONE shape: scoring", _AR, rows=512, **_miniboone(kind="score")),
    Case("miniboone_ar_sample", "RQ-NSF (AR), MINIBOONE shape: sampling", _AR, rows=512, **_miniboone(kind="sample")),
    Case("maf", "MAF, 63 columns, 5 transforms, net [512, 512]", "maf", 63, 512, transforms=5, width=512),
]

CASES = {case.name: case for case in _ALL}

# Cases of one group run in the same rounds, so that their times can be compared too.
GROUPS = [[case.name] for case in _ALL if case.kind == "train"]
GROUPS.append(["miniboone_ar_score", "miniboone_ar_sample"])
