"""Goldens of the fixed maps: nothing is learned, so there are no parameters."""

import os

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import flowjax.bijections  # noqa: E402
import jax  # noqa: E402
import numpy  # noqa: E402
import torch  # noqa: E402
from nflows.transforms import nonlinearities  # noqa: E402
from pyro.distributions import transforms as pyro_transforms  # noqa: E402
from torch.distributions import Normal  # noqa: E402
from torch.distributions import transforms as torch_transforms  # noqa: E402
from zuko import transforms as zuko_transforms  # noqa: E402

from .adapt import one_way  # noqa: E402
from .case import Case  # noqa: E402


class FromJax(torch.autograd.Function):
    """A JAX function of rows with two results, for PyTorch to differentiate once."""

    @staticmethod
    def forward(ctx, x, f):
        outputs, ctx.vjp = jax.vjp(f, jax.numpy.asarray(x.detach().numpy()))
        return tuple(torch.from_numpy(numpy.array(o)) for o in outputs)

    @staticmethod
    def backward(ctx, *adjoints):
        (x,) = ctx.vjp(tuple(jax.numpy.asarray(a.numpy()) for a in adjoints))
        return torch.from_numpy(numpy.array(x)), None


def flowjax_map(bijection):
    return lambda p, x, c: FromJax.apply(x, jax.vmap(bijection.transform_and_log_det))


def fixed(name, peer, transform, entry=None, elementwise=True, **more):
    """transform: a torch Transform base -> data; its inverse is taken exactly."""
    return Case(name, peer, entry or {"type": name}, forward=one_way(lambda p, c: transform, elementwise), **more)


def nflows_fixed(name, peer, layer, entry, **more):
    return Case(name, peer, entry, forward=lambda p, x, c: layer(x), **more)


def above_zero(draw):
    return abs(draw.gauss(0, 1.5)) + 0.01


SQUARE = [[2, 0, 0], [-1, 0.5, 0], [0.3, 0.7, 1.5]]

CASES = [
    fixed("log", "torch ExpTransform.inv", torch_transforms.ExpTransform().inv, x=above_zero),
    fixed("sigmoid", "torch SigmoidTransform", torch_transforms.SigmoidTransform()),
    nflows_fixed("sigmoid_nflows", "nflows Sigmoid", nonlinearities.Sigmoid(), {"type": "sigmoid"}),
    fixed("logit", "torch SigmoidTransform.inv", torch_transforms.SigmoidTransform().inv, x=lambda d: d.uniform(0.01, 0.99)),
    fixed("tanh", "torch TanhTransform", torch_transforms.TanhTransform()),
    Case(
        "leaky_tanh",
        "flowjax LeakyTanh",
        {"type": "leaky_tanh", "bound": 2},
        forward=flowjax_map(flowjax.bijections.LeakyTanh(2.0, (2,))),
        far=(2.5, -40.0),
    ),
    fixed("softplus", "torch SoftplusTransform", torch_transforms.SoftplusTransform()),
    fixed(
        "power",
        "torch PowerTransform",
        torch_transforms.PowerTransform(torch.tensor(0.5)),
        {"type": "power", "exponent": 0.5},
        x=above_zero,
    ),
    fixed(
        "power_negative",
        "torch PowerTransform",
        torch_transforms.PowerTransform(torch.tensor(-2.0)),
        {"type": "power", "exponent": -2},
        x=above_zero,
    ),
    fixed("elu", "pyro ELUTransform", pyro_transforms.ELUTransform()),
    fixed("leaky_relu_pyro", "pyro LeakyReLUTransform", pyro_transforms.LeakyReLUTransform(), {"type": "leaky_relu"}),
    nflows_fixed("leaky_relu_nflows", "nflows LeakyReLU", nonlinearities.LeakyReLU(0.1), {"type": "leaky_relu", "slope": 0.1}),
    fixed("softclip", "zuko SoftclipTransform", zuko_transforms.SoftclipTransform(3.0), {"type": "softclip", "bound": 3}),
    fixed(
        "normal_cdf",
        "torch CumulativeDistributionTransform of Normal",
        torch_transforms.CumulativeDistributionTransform(Normal(0.0, 1.0)),
    ),
    nflows_fixed("cauchy_cdf", "nflows CauchyCDF", nonlinearities.CauchyCDF(), {"type": "cauchy_cdf"}),
    fixed(
        "discrete_cosine",
        "pyro DiscreteCosineTransform",
        pyro_transforms.DiscreteCosineTransform(),
        elementwise=False,
        features=5,
    ),
    fixed("haar", "pyro HaarTransform", pyro_transforms.HaarTransform(), elementwise=False, features=7),
    fixed(
        "lower_cholesky_affine",
        "pyro LowerCholeskyAffine",
        pyro_transforms.LowerCholeskyAffine(torch.tensor([1.0, 0.0, -0.5]), torch.tensor(SQUARE)),
        {"type": "lower_cholesky_affine", "loc": [1, 0, -0.5], "scale_tril": SQUARE},
        elementwise=False,
        features=3,
    ),
]
