"""nflows: the neural spline flow of Durkan et al. as their code builds it, and a MAF."""
import torch
from nflows import distributions, flows, transforms
from nflows.nn import nets

from torch_work import TorchWork, set_threads

FORMS = {"autoregressive", "coupling", "maf"}
COMPILES = {"train", "score"}
NOTES = {
    "sample": "nflows calls torch.triangular_solve, which PyTorch took away; a stand-in on torch.linalg.solve_triangular is put there",
}


def _triangular_solve(right, left, upper=True, transpose=False, unitriangular=False):
    left = left.mT if transpose else left
    return torch.linalg.solve_triangular(left, right, upper=upper != transpose, unitriangular=unitriangular), left


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
    if case.kind == "sample" and not _solves():
        torch.triangular_solve = _triangular_solve
    layers = []
    for _ in range(case.transforms):
        if case.form == "maf":
            layers += [transforms.ReversePermutation(case.columns), _affine(case)]
        else:
            layers += _linear(case.columns)
            layers.append(_autoregressive(case) if case.form == "autoregressive" else _coupling(case))
    flow = flows.Flow(transforms.CompositeTransform(layers), distributions.StandardNormal([case.columns]))
    return TorchWork(case, flow, flow.log_prob, flow.sample, compiled=compiled)


def _solves():
    """Whether this PyTorch still has torch.triangular_solve."""
    try:
        torch.triangular_solve(torch.ones(1, 1), torch.ones(1, 1))
        return True
    except (AttributeError, RuntimeError):
        return False
