"""Goldens of the base distributions."""

import math

import torch
import torch.distributions as D
import torch.nn.functional as F
import zuko
from nflows.distributions import ConditionalDiagonalNormal, StandardNormal
from torch.distributions import transforms as torch_transforms
from torch.distributions import von_mises as von_mises_module

from .adapt import by_part, dense, dense_shapes, layers, patched, softclip, triangle, under
from .case import Case

LOC_SCALE = {"loc": (2,), "log_scale": ((2,), 0.5)}


def independent(distribution):
    """distribution(p) of each column -> log densities of rows."""
    return lambda p, x, c: distribution(p).log_prob(x).sum(-1)


def whole(distribution):
    return lambda p, x, c: distribution(p).log_prob(x)


def logistic(p):
    # As in the documentation of torch.distributions.TransformedDistribution.
    one = torch.ones(2)
    steps = [torch_transforms.SigmoidTransform().inv, torch_transforms.AffineTransform(p["loc"], p["log_scale"].exp())]
    return D.TransformedDistribution(D.Uniform(0 * one, one, validate_args=False), steps, validate_args=False)


def factor(lower, log_diagonal):
    return triangle(lower, len(log_diagonal)) + torch.diag(log_diagonal.exp())


def mixture(components, factors):
    """factors(p, k) -> the Cholesky factor of component k."""

    def distribution(p):
        parts = torch.stack([factors(p, k) for k in range(components)])
        normals = D.MultivariateNormal(p["loc"].reshape(components, -1), scale_tril=parts)
        return D.MixtureSameFamily(D.Categorical(logits=p["logits"]), normals)

    return whole(distribution)


def von_mises(concentration):
    # PyTorch's own log I0 is a polynomial, right to 2e-7.
    exact = {"_log_modified_bessel_fn": lambda x, order=0: torch.special.i0e(x).log() + x}
    return under(
        lambda: patched(von_mises_module, **exact),
        independent(lambda p: D.VonMises(p["loc"], concentration(p), validate_args=False)),
    )


def conditional_normal(net):
    """net(p, context) -> t, u column by column."""

    def log_prob(p, x, c):
        def encoder(context):
            means, u = net(p, context)[:, by_part(2, [1, 1])].chunk(2, -1)
            return torch.cat([means, softclip(u, -math.log(1e-3))], -1)

        return ConditionalDiagonalNormal([2], encoder)._log_prob(x, c)

    return log_prob


def normalized(p, context):
    (first, first_bias), last = layers(p)
    z = F.layer_norm(F.linear(context, first, first_bias), (4,), p["net.norms.0.weight"], p["net.norms.0.bias"])
    return dense(torch.tanh(z), [last])


def activated(name, function):
    return Case(
        f"conditional_normal_{name}",
        f"nflows ConditionalDiagonalNormal, torch {function.__name__}",
        {"type": "conditional_normal", "net": {"hidden": [4], "activation": name}},
        dense_shapes("net", [3, 4, 4]),
        log_prob=conditional_normal(lambda p, c: dense(c, layers(p), function)),
        context=3,
        note=ENCODER,
    )


def joint(p):
    t = D.StudentT(p["columns.x1.log_df"].exp(), p["columns.x1.loc"], p["columns.x1.log_scale"].exp())
    laplace = D.Laplace(p["columns.x3.loc"], p["columns.x3.log_scale"].exp())
    return zuko.distributions.Joint(
        D.Independent(t, 1), D.Independent(D.Normal(torch.zeros(1), 1.0), 1), D.Independent(laplace, 1)
    )


ENCODER = "nflows leaves log s unbounded: its encoder is the network with flowfit's softclip after it"
EXACT_BESSEL = "PyTorch's polynomial of log I0, right to 2e-7, is replaced by the logarithm of its i0e"

CASES = [
    Case(
        "normal",
        "nflows StandardNormal",
        {"type": "normal"},
        log_prob=lambda p, x, c: StandardNormal([3])._log_prob(x, c),
        features=3,
    ),
    Case(
        "diagonal_normal",
        "torch Normal",
        {"type": "diagonal_normal"},
        LOC_SCALE,
        log_prob=independent(lambda p: D.Normal(p["loc"], p["log_scale"].exp())),
        far=(50.0,),
    ),
    Case(
        "multivariate_normal",
        "torch MultivariateNormal",
        {"type": "multivariate_normal"},
        {"loc": (4,), "lower": (6,), "log_diagonal": ((4,), 0.4)},
        log_prob=whole(lambda p: D.MultivariateNormal(p["loc"], scale_tril=factor(p["lower"], p["log_diagonal"]))),
        features=4,
    ),
    Case(
        "mixture_normal_full",
        "torch MixtureSameFamily of MultivariateNormal",
        {"type": "mixture_normal", "components": 3},
        {"logits": (3,), "loc": (3, 3), "lower": (3, 3), "log_diagonal": ((3, 3), 0.4)},
        log_prob=mixture(3, lambda p, k: factor(p["lower"].reshape(3, 3)[k], p["log_diagonal"].reshape(3, 3)[k])),
        features=3,
        far=(20.0,),
    ),
    Case(
        "mixture_normal_diagonal",
        "torch MixtureSameFamily of MultivariateNormal",
        {"type": "mixture_normal", "components": 3, "covariance": "diagonal"},
        {"logits": (3,), "loc": (3, 2), "log_diagonal": ((3, 2), 0.4)},
        log_prob=mixture(3, lambda p, k: torch.diag(p["log_diagonal"].reshape(3, 2)[k].exp())),
    ),
    Case(
        "mixture_normal_tied",
        "torch MixtureSameFamily of MultivariateNormal",
        {"type": "mixture_normal", "components": 4, "covariance": "tied"},
        {"logits": (4,), "loc": (4, 3), "lower": (3,), "log_diagonal": ((3,), 0.4)},
        log_prob=mixture(4, lambda p, k: factor(p["lower"], p["log_diagonal"])),
        features=3,
    ),
    *[activated(name, getattr(F, name)) for name in ("tanh", "elu", "silu", "leaky_relu")],
    Case(
        "conditional_normal_layer_norm",
        "nflows ConditionalDiagonalNormal, torch layer_norm",
        {"type": "conditional_normal", "net": {"hidden": [4], "activation": "tanh", "layer_norm": True}},
        {**dense_shapes("net", [3, 4, 4]), "net.norms.0.weight": (4,), "net.norms.0.bias": (4,)},
        log_prob=conditional_normal(normalized),
        context=3,
        note=ENCODER,
    ),
    Case(
        "student_t",
        "torch StudentT",
        {"type": "student_t"},
        {**LOC_SCALE, "log_df": ((2,), 0, 4)},
        log_prob=independent(lambda p: D.StudentT(p["log_df"].exp(), p["loc"], p["log_scale"].exp())),
        far=(1e4,),
    ),
    Case(
        "student_t_given",
        "torch StudentT",
        {"type": "student_t", "df": 1.5, "learn": False},
        log_prob=independent(lambda p: D.StudentT(torch.full((2,), 1.5))),
        far=(-1e6,),
    ),
    Case(
        "student_t_large_df",
        "torch StudentT",
        {"type": "student_t", "df": 300},
        LOC_SCALE,
        log_prob=independent(lambda p: D.StudentT(300.0, p["loc"], p["log_scale"].exp())),
    ),
    Case(
        "laplace",
        "torch Laplace",
        {"type": "laplace"},
        LOC_SCALE,
        log_prob=independent(lambda p: D.Laplace(p["loc"], p["log_scale"].exp())),
    ),
    Case(
        "logistic",
        "torch TransformedDistribution of Uniform, SigmoidTransform.inv, AffineTransform",
        {"type": "logistic"},
        LOC_SCALE,
        log_prob=independent(logistic),
    ),
    Case(
        "cauchy",
        "torch Cauchy",
        {"type": "cauchy"},
        LOC_SCALE,
        log_prob=independent(lambda p: D.Cauchy(p["loc"], p["log_scale"].exp())),
        far=(1e5,),
    ),
    Case(
        "gumbel",
        "torch Gumbel",
        {"type": "gumbel"},
        LOC_SCALE,
        log_prob=independent(lambda p: D.Gumbel(p["loc"], p["log_scale"].exp(), validate_args=False)),
        far=(60.0,),
    ),
    Case(
        "uniform",
        "zuko BoxUniform",
        {"type": "uniform", "low": -6, "high": 7},
        log_prob=whole(lambda p: zuko.distributions.BoxUniform(torch.full((2,), -6.0), torch.full((2,), 7.0))),
        x=lambda d: d.uniform(-6, 7),
    ),
    Case(
        "von_mises",
        "torch VonMises",
        {"type": "von_mises"},
        {"loc": (2,), "log_concentration": (2,)},
        log_prob=von_mises(lambda p: p["log_concentration"].exp()),
        x=lambda d: d.uniform(-math.pi, math.pi),
        note=EXACT_BESSEL,
    ),
    Case(
        "von_mises_given",
        "torch VonMises",
        {"type": "von_mises", "concentration": 200},
        {"loc": (2,)},
        log_prob=von_mises(lambda p: torch.full((2,), 200.0)),
        x=lambda d: d.uniform(-math.pi, math.pi),
        note=EXACT_BESSEL,
    ),
    Case(
        "columns",
        "zuko Joint",
        {"type": "columns", "columns": {"x1": {"type": "student_t"}, "x3": {"type": "laplace"}}},
        {
            "columns.x1.loc": (1,),
            "columns.x1.log_scale": (1,),
            "columns.x1.log_df": ((1,), 0, 4),
            "columns.x3.loc": (1,),
            "columns.x3.log_scale": (1,),
        },
        log_prob=whole(joint),
        features=3,
    ),
]
