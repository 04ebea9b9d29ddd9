"""Goldens of the univariates with one direction in closed form, in an `elementwise` layer: that one, and its exact inverse."""

import math

import torch
import torch.distributions as D
from pyro.distributions import transforms as pyro_transforms
from torch.distributions.transforms import CumulativeDistributionTransform, PowerTransform
from zuko import transforms as zuko_transforms

from .adapt import inverse_softplus, linear_tails, softclip
from .case import Case
from .univariates import elementwise

TAILS = "outside the box flowfit goes on with straight lines"
SHARE = TAILS + "; a share of 0.001 of the straight line is mixed in"


def simplex(raw, least):
    return least + (1 - raw.shape[-1] * least) * raw.softmax(-1)


def positive(raw, limit):
    return softclip(raw, math.log(limit)).exp()


def bernstein(degree, bound):
    class Polynomial(zuko_transforms.BoundedBernsteinTransform):
        """Zuko's with flowfit's coefficients: the outer steps 2·bound / n, the others not below a thousandth of that."""

        def _constrain_theta(self, raw):
            step = 2 * bound / degree
            edge = torch.full_like(raw[..., :1], step)
            inner = simplex(raw, 1e-3 / raw.shape[-1]) * raw.shape[-1] * step
            return torch.cat([torch.full_like(edge, -bound), edge, inner, edge], -1).cumsum(-1)

    def map_(p, x, c):
        value, log_slope = Polynomial(p["raw"], bound=bound, eps=1e-15).call_and_ladj(x)
        return value, log_slope.sum(-1)

    return map_


def sum_of_squares(polynomials, degree, bound):
    def map_(p, x, c):
        offset, raw = p["raw"].split([1, polynomials * (degree + 1)], -1)
        # Zuko: the mean of (1 + a(u))², flowfit: the sum of c(u)².
        a = math.sqrt(polynomials) * softclip(raw.reshape(2, polynomials, -1), 10)
        a = a - torch.eye(degree + 1)[0]
        polynomial = zuko_transforms.SOSPolynomialTransform(a, slope=1e-3, bound=bound)
        value, log_det = linear_tails(polynomial.call_and_ladj, bound)(x)
        return value + offset.squeeze(-1), log_det

    return map_


def integral(width, nodes, bound):
    limit = math.log(1e3)

    def map_(p, x, c):
        raw = p["raw"]
        offset, bias, w, a, place = raw.split([1, 1, width, width, width], -1)
        w, a, place = softclip(w, min(4.0, 16 / width)), softclip(a, nodes / 6), softclip(place, 2)

        def g(x):
            z = bias.squeeze(-1) + (w * torch.tanh(a * (x.unsqueeze(-1) / bound - place))).sum(-1)
            return (limit * torch.tanh(z / limit)).exp()

        unconstrained = zuko_transforms.UnconstrainedMonotonicTransform(g, nodes, phi=(bias, w, a, place), bound=bound)
        value, log_det = linear_tails(unconstrained.call_and_ladj, bound)(x)
        return value + offset.squeeze(-1), log_det

    return map_


def mixture_cdf(kind, components, bound):
    def parts(p):
        logits, places, steepness = p["raw"].split(components, -1)
        return simplex(logits, 1e-3 / components), softclip(places, 2 * bound), positive(steepness, 1e3)

    def logistic(loc, scale):
        steps = [D.SigmoidTransform().inv, D.AffineTransform(loc, scale)]
        return D.TransformedDistribution(D.Uniform(torch.zeros_like(loc), torch.ones_like(loc)), steps, validate_args=False)

    one = {"normal": D.Normal, "logistic": logistic}[kind]

    def map_(p, x, c):
        weights, places, steepness = parts(p)
        components_ = one(places, 1 / steepness)
        mixture = D.MixtureSameFamily(D.Categorical(probs=weights), components_, validate_args=False)
        there, back = (
            CumulativeDistributionTransform(mixture),
            CumulativeDistributionTransform(one(torch.zeros(2), torch.ones(2))),
        )

        def f(x):
            u = there(x)
            y = back.inv(u)
            return y, there.log_abs_det_jacobian(x, u) - back.log_abs_det_jacobian(y, u)

        return linear_tails(f, bound, 1e-3)(x)

    return map_


def neural(width, bound):
    def column(raw, x):
        steepness, places, weights = raw.split(width)
        a, w = positive(steepness, 1e3), simplex(weights, 1e-3 / width)
        parts = [inverse_softplus(a), w.log(), -a * softclip(places, 2 * bound)]
        net = lambda x: [part.unsqueeze(-1).expand(len(x), -1, -1) for part in parts]  # noqa: E731
        layer = pyro_transforms.NeuralAutoregressive(net, hidden_units=width)
        layer.eps = 0.0  # within the logarithm of its log-determinant
        value = layer._call(x)
        return value, layer.log_abs_det_jacobian(x, value).unsqueeze(-1)

    def map_(p, x, c):
        def f(x):
            found = [column(p["raw"][d], x[:, d : d + 1]) for d in range(2)]
            return torch.cat([value for value, _ in found], -1), torch.cat([slope for _, slope in found], -1)

        return linear_tails(f, bound, 1e-3)(x)

    return map_


def signed_power(sides):
    def map_(p, x, c):
        powers = positive(p["raw"], 4)
        power = torch.where(x < 0, powers[:, 0], powers[:, sides - 1])
        steep = PowerTransform(power)
        far = 1 + x.abs()
        raised = steep(far)
        log_det = steep.log_abs_det_jacobian(far, raised) - power.log()
        return x.sign() * (raised - 1) / power, log_det.sum(-1)

    return map_


def sinh_arcsinh(p, x, c):
    skew, weight = softclip(p["raw"][:, 0], 3), positive(p["raw"][:, 1], 4)
    inner = weight * torch.asinh(x) + skew
    return inner.sinh(), (weight * inner.cosh() / (1 + x * x).sqrt()).log().sum(-1)


def raw(count, scale=1.0):
    return {"raw": ((2, count), scale)}


CASES = [
    Case(
        "bernstein",
        "zuko BoundedBernsteinTransform",
        elementwise("bernstein", degree=7, bound=3),
        raw(5),
        inverse=bernstein(7, 3.0),
        far=(3.5, -1e3),
        note="Zuko ties the first two and the last two steps; flowfit one of each, and no step is below 0.001 of the mean one",
    ),
    Case(
        "bernstein_sampling",
        "zuko BoundedBernsteinTransform",
        elementwise("bernstein", degree=16, direction="sampling"),
        raw(14),
        forward=bernstein(16, 5.0),
        x=lambda d: d.gauss(0, 3),
        note="Zuko ties the first two and the last two steps; flowfit one of each, and no step is below 0.001 of the mean one",
    ),
    Case(
        "sum_of_squares",
        "zuko SOSPolynomialTransform",
        elementwise("sum_of_squares", degree=3, polynomials=2, bound=4),
        raw(9),
        inverse=sum_of_squares(2, 3, 4.0),
        far=(4.5, -6.0),
        note="Zuko's mean of (1 + a)² is flowfit's sum of c² for a = √K c − 1, and has no shift: added; " + TAILS,
    ),
    Case(
        "integral",
        "zuko UnconstrainedMonotonicTransform",
        elementwise("integral", width=3, nodes=64, bound=4),
        raw(11),
        inverse=integral(3, 64, 4.0),
        far=(4.5,),
        note="flowfit's integrand within Zuko's quadrature. Zuko has no shift: added; " + TAILS,
    ),
    Case(
        "mixture_cdf_normal",
        "torch CumulativeDistributionTransform of MixtureSameFamily and of Normal",
        elementwise("mixture_cdf", components=4, bound=3),
        raw(12, 0.7),
        inverse=mixture_cdf("normal", 4, 3.0),
        x=lambda d: d.gauss(0, 1),
        far=(3.5,),
        note=SHARE,
    ),
    Case(
        "mixture_cdf_logistic",
        "torch CumulativeDistributionTransform of MixtureSameFamily and of a logistic distribution",
        elementwise("mixture_cdf", kind="logistic", components=3, bound=4, direction="sampling"),
        raw(9, 0.7),
        forward=mixture_cdf("logistic", 3, 4.0),
        far=(-5.0,),
        note=SHARE,
    ),
    Case(
        "neural",
        "pyro NeuralAutoregressive",
        elementwise("neural", width=5, bound=4),
        raw(15, 0.8),
        inverse=neural(5, 4.0),
        far=(4.5,),
        note="Pyro gets the raw numbers of flowfit's steepnesses, places and weights, and its logarithms go without 1e-8; "
        + SHARE,
    ),
    Case(
        "signed_power",
        "torch PowerTransform of 1 + |x|",
        elementwise("signed_power"),
        raw(1),
        forward=signed_power(1),
        x=lambda d: d.gauss(0, 3),
    ),
    Case(
        "signed_power_separate",
        "torch PowerTransform of 1 + |x|",
        elementwise("signed_power", sides="separate"),
        raw(2),
        forward=signed_power(2),
        x=lambda d: d.gauss(0, 3),
    ),
    Case(
        "sinh_arcsinh",
        "torch asinh, sinh",
        elementwise("sinh_arcsinh"),
        raw(2),
        forward=sinh_arcsinh,
        x=lambda d: d.gauss(0, 3),
    ),
]
