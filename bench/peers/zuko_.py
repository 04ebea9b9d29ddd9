"""Zuko: the same flows from its parts; its NSF has neither LU maps nor residual networks, so they are put in."""
from functools import partial

import torch
from zuko import flows, lazy, transforms
from zuko.distributions import DiagNormal
from zuko.nn import Linear, Residual

from torch_work import TorchWork, set_threads

FORMS = {"autoregressive", "coupling", "maf"}
COMPILES = {"train", "score"}
NOTES = {
    "autoregressive": "Zuko's residual blocks have one activation, not two; its LU map multiplies L and U first",
    "coupling": "Zuko's coupling has a plain network; here residual blocks of its own kind take its place",
    "maf": "Zuko's layers alternate their order instead of permuting",
}


def _linear(columns):
    return [
        lazy.UnconditionalTransform(transforms.PermutationTransform, torch.randperm(columns), buffer=True),
        lazy.UnconditionalTransform(transforms.LULinearTransform, torch.eye(columns)),
    ]


def _spline(case):
    return dict(
        univariate=partial(transforms.MonotonicRQSTransform, bound=case.bound),
        shapes=[(case.bins,), (case.bins,), (case.bins - 1,)],
    )


def _autoregressive(case):
    return flows.autoregressive.MaskedAutoregressiveTransform(
        case.columns, hidden_features=[case.width] * case.blocks, residual=True, **_spline(case)
    )


def _coupling(case):
    kept, width = case.columns // 2, case.width
    mask = [True] * kept + [False] * (case.columns - kept)
    layer = flows.coupling.GeneralCouplingTransform(case.columns, mask=mask, **_spline(case))
    blocks = [Residual(Linear(width, width), torch.nn.ReLU(), Linear(width, width)) for _ in range(case.blocks)]
    outputs = (case.columns - kept) * (3 * case.bins - 1)
    layer.hyper = torch.nn.Sequential(Linear(kept, width), *blocks, Linear(width, outputs))
    return layer


def build(case, threads, compiled):
    set_threads(threads)
    torch.manual_seed(0)
    if case.form == "maf":
        flow = flows.MAF(case.columns, transforms=case.transforms, hidden_features=[case.width] * 2)
    else:
        layers = []
        for _ in range(case.transforms):
            layers += _linear(case.columns)
            layers.append(_autoregressive(case) if case.form == "autoregressive" else _coupling(case))
        base = lazy.UnconditionalDistribution(
            DiagNormal, torch.zeros(case.columns), torch.ones(case.columns), buffer=True
        )
        flow = flows.Flow(layers, base)
    return TorchWork(
        case, flow, lambda rows: flow().log_prob(rows), lambda rows: flow().sample((rows,)), compiled=compiled
    )
