"""Pyro: the three flows of its normalizing-flow tutorial, and the autoregressive ones as far as it has the parts."""
import pyro.distributions as dist
import pyro.distributions.transforms as T
import torch
from pyro.nn import AutoRegressiveNN

from torch_work import TorchWork, set_threads

FORMS = {"tutorial", "autoregressive", "maf"}
COMPILES = {"train", "score"}
NOTES = {
    "autoregressive": "Pyro has no LU map and no residual network: a plain masked network of the same widths, and no LU",
}


def _normal(columns):
    return dist.Normal(torch.zeros(columns), torch.ones(columns))


def _tutorial_flow(transform, learning_rate, case, compiled):
    flow = dist.TransformedDistribution(_normal(2), [transform])
    return TorchWork(
        case, transform, flow.log_prob, after=flow.clear_cache, compiled=compiled, learning_rate=learning_rate
    )


def _tutorial_conditional(case, compiled):
    x1_transform = T.spline(1)
    x2_transform = T.conditional_spline(1, context_dim=1)
    x1 = dist.TransformedDistribution(_normal(1), [x1_transform])
    x2_given_x1 = dist.ConditionalTransformedDistribution(_normal(1), [x2_transform])

    def log_prob(rows):
        first, second = rows[:, :1], rows[:, 1:]
        return x1.log_prob(first) + x2_given_x1.condition(first).log_prob(second)

    def clear():
        x1.clear_cache()
        x2_given_x1.clear_cache()

    modules = torch.nn.ModuleList([x1_transform, x2_transform])
    return TorchWork(case, modules, log_prob, after=clear, compiled=compiled, learning_rate=5e-3)


def _layer(case):
    if case.form == "maf":
        return T.affine_autoregressive(case.columns, hidden_dims=[case.width] * 2)
    # As many hidden layers of the same width as the residual network has.
    net = AutoRegressiveNN(
        case.columns,
        [case.width] * (1 + 2 * case.blocks),
        param_dims=[case.bins, case.bins, case.bins - 1],
    )
    return T.SplineAutoregressive(case.columns, net, count_bins=case.bins, bound=case.bound, order="quadratic")


def build(case, threads, compiled):
    set_threads(threads)
    torch.manual_seed(0)
    if case.name == "tutorial_spline":
        return _tutorial_flow(T.Spline(2, count_bins=16), 1e-2, case, compiled)
    if case.name == "tutorial_coupling":
        return _tutorial_flow(T.spline_coupling(2, count_bins=16), 5e-3, case, compiled)
    if case.name == "tutorial_conditional":
        return _tutorial_conditional(case, compiled)
    # Pyro's layers are quick from base to data; turned round they are quick to score, as a MAF is.
    layers = [_layer(case) for _ in range(case.transforms)]
    flow = dist.TransformedDistribution(_normal(case.columns), [layer.inv for layer in layers])

    def draw(rows):
        flow.clear_cache()
        return flow.sample((rows,))

    def log_prob(rows):
        return flow.log_prob(rows)

    return TorchWork(case, torch.nn.ModuleList(layers), log_prob, draw, after=flow.clear_cache, compiled=compiled)
