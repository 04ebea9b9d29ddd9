"""nflows: the neural spline flow of Durkan et al. as their code builds it, and a MAF."""
import torch
from nflows import distributions, flows, transforms
from nflows.nn import nets

from torch_work import TorchWork, set_threads

FORMS = {"autoregressive", "coupling", "maf"}
COMPILES = {"train", "score"}
NOTES = {}


def _linear(columns):
    return [transforms.RandomPermutation(columns), transforms.LULinear(columns, identity_init=True)]


def _autoregressive(case):
    return transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
        features=case.columns,
        hidden_features=case.width,
        num_blocks=case.blocks,
        num_bins=case.bins,
        tails="linear",
        tail_bound=case.bound,
    )


def _coupling(case):
    kept = case.columns // 2
    return transforms.PiecewiseRationalQuadraticCouplingTransform(
        mask=[0] * kept + [1] * (case.columns - kept),
        transform_net_create_fn=lambda inputs, outputs: nets.ResidualNet(
            inputs, outputs, hidden_features=case.width, num_blocks=case.blocks
        ),
        num_bins=case.bins,
        tails="linear",
        tail_bound=case.bound,
    )


def _affine(case):
    # The first layer and one block of one layer: two hidden layers.
    return transforms.MaskedAffineAutoregressiveTransform(
        features=case.columns, hidden_features=case.width, num_blocks=1, use_residual_blocks=False
    )


def build(case, threads, compiled):
    set_threads(threads)
    torch.manual_seed(0)
    layers = []
    for _ in range(case.transforms):
        if case.form == "maf":
            layers += [transforms.ReversePermutation(case.columns), _affine(case)]
        else:
            layers += _linear(case.columns)
            layers.append(_autoregressive(case) if case.form == "autoregressive" else _coupling(case))
    flow = flows.Flow(transforms.CompositeTransform(layers), distributions.StandardNormal([case.columns]))
    return TorchWork(case, flow, flow.log_prob, flow.sample, compiled=compiled)
