"""Goldens of the linear maps, the normalizations and permutations."""

import torch
from nflows import transforms as nflows_transforms
from pyro.distributions import transforms as pyro_transforms
from torch.distributions import transforms as torch_transforms
from zuko import transforms as zuko_transforms

from .adapt import both, inverse_softplus, nflows_maps, offset, one_way, other_way, positive_diagonal, pyro_module, triangle
from .case import Case

LU = {"lower": (3,), "upper": (3,), "diagonal": (3,), "bias": (3,)}


def shifted(f, sign):
    """Adds the bias after the map base -> data, or before its inverse takes it off."""

    def map_(p, x, c):
        if sign < 0:
            return f(p, x - p["bias"], c)
        value, log_det = f(p, x, c)
        return value + p["bias"], log_det

    return map_


def turned(transform):
    """Maps from a torch Transform that goes data -> base."""
    return {"inverse": one_way(transform, elementwise=False), "forward": other_way(transform, elementwise=False)}


def nflows_lu(p):
    return {
        "lower_entries": p["lower"],
        "upper_entries": p["upper"],
        "unconstrained_upper_diag": p["diagonal"] + offset(1e-3),
        "bias": p["bias"],
    }


def permuted_lu():
    permute, linear = nflows_transforms.Permutation(torch.tensor([2, 0, 1])), nflows_transforms.LULinear(3)
    ((name, lu),) = nflows_maps(linear, nflows_lu, turned=True, inverse=False).items()
    return {name: lambda p, x, c: lu(p, permute(x)[0], c)}


def zuko_lu(p, _):
    # flowfit's U has the diagonal, Zuko's L: L·d and U / d.
    d = positive_diagonal(p["diagonal"])
    lower, upper = triangle(p["lower"], 3) + torch.eye(3), triangle(p["upper"], 3, upper=True)
    return zuko_transforms.LULinearTransform(lower * d + upper / d.unsqueeze(-1))


def zuko_lu_maps():
    inner = turned(zuko_lu)

    def inverse(p, x, c):
        value, log_det = inner["inverse"](p, x, c)
        return value + p["bias"], log_det

    return {"inverse": inverse, "forward": lambda p, z, c: inner["forward"](p, z - p["bias"], c)}


def nflows_qr(p):
    return {
        "orthogonal.q_vectors": p["reflections"],
        "upper_entries": p["upper"],
        "log_upper_diag": positive_diagonal(p["diagonal"]).log(),
        "bias": p["bias"],
    }


def nflows_svd(p):
    return {
        "orthogonal_1.q_vectors": p["left"],
        "orthogonal_2.q_vectors": p["right"],
        "unconstrained_diagonal": p["diagonal"] + offset(1e-3),
        "bias": p["bias"],
    }


def pyro_householder(p, _):
    return pyro_module("householder").ConditionedHouseholder(p["reflections"])


def pyro_cholesky(p, _):
    return pyro_transforms.LowerCholeskyAffine(
        p["bias"], triangle(p["off_diagonal"], 3) + torch.diag(positive_diagonal(p["diagonal"]))
    )


def pyro_exponential(p, _):
    return pyro_module("matrix_exponential").ConditionedMatrixExponential(p["generator"].reshape(3, 3), iterations=60)


def zuko_rotation(p, _):
    return zuko_transforms.RotationTransform(triangle(p["generator"], 4))


def nflows_batch_norm(p):
    return {
        "unconstrained_weight": inverse_softplus(p["log_scale"].exp() - 1e-5),
        "bias": p["shift"],
        "running_mean": p["running_mean"],
        "running_var": p["running_variance"],
    }


def pyro_batch_norm():
    def transform(p, _):
        layer = pyro_transforms.BatchNorm(2, epsilon=0.01).eval()
        for name, value in [("gamma", p["log_scale"].exp() - 1e-6), ("beta", p["shift"])]:
            delattr(layer, name)
            setattr(layer, name, value)
        layer.moving_mean, layer.moving_variance = p["running_mean"], p["running_variance"]
        return layer

    return both(transform)


def nflows_act_norm(p):
    return {"log_scale": -p["log_scale"], "shift": -p["shift"] * (-p["log_scale"]).exp()}


def of(module, tensors, **more):
    return nflows_maps(module, tensors, turned=True, **more)


def reflections(*shape):
    return (shape, 1.0)


CASES = [
    Case(
        "lu_linear_nflows",
        "nflows LULinear",
        {"type": "lu_linear"},
        LU,
        **of(nflows_transforms.LULinear(3), nflows_lu, inverse=False),
        features=3,
        note="nflows' way back calls what PyTorch no longer has: forward is the exact inverse of its way there",
    ),
    Case(
        "lu_linear_permuted",
        "nflows Permutation and LULinear",
        {"type": "lu_linear", "permute": True, "order": [2, 0, 1]},
        LU,
        **permuted_lu(),
        features=3,
    ),
    Case(
        "lu_linear_zuko",
        "zuko LULinearTransform",
        {"type": "lu_linear"},
        LU,
        **zuko_lu_maps(),
        features=3,
        note="Zuko's diagonal belongs to L, flowfit's to U: Zuko gets L·d and U / d. It has no bias: added",
    ),
    Case(
        "triangular",
        "pyro LowerCholeskyAffine",
        {"type": "triangular"},
        {"off_diagonal": (3,), "diagonal": (3,), "bias": (3,)},
        **both(pyro_cholesky, elementwise=False),
        features=3,
    ),
    Case(
        "qr_linear",
        "nflows QRLinear",
        {"type": "qr_linear", "reflections": 2},
        {"reflections": reflections(2, 3), "upper": (3,), "diagonal": (3,), "bias": (3,)},
        **of(nflows_transforms.QRLinear(3, 2), nflows_qr, inverse=False),
        features=3,
        note="nflows' diagonal is exp(raw), flowfit's softplus + 0.001: nflows gets its logarithm. forward is the exact inverse",
    ),
    Case(
        "svd_linear",
        "nflows SVDLinear",
        {"type": "svd_linear", "reflections": 4},
        {"left": reflections(4, 3), "right": reflections(4, 3), "diagonal": (3,), "bias": (3,)},
        **of(nflows_transforms.SVDLinear(3, 4), nflows_svd),
        features=3,
    ),
    Case(
        "householder_nflows",
        "nflows HouseholderSequence",
        {"type": "householder", "reflections": 4},
        {"reflections": reflections(4, 3)},
        **of(nflows_transforms.HouseholderSequence(3, 4), lambda p: {"q_vectors": p["reflections"]}),
        features=3,
    ),
    Case(
        "householder_pyro",
        "pyro Householder",
        {"type": "householder", "reflections": 2},
        {"reflections": reflections(2, 4)},
        **turned(pyro_householder),
        features=4,
        note="Pyro's first reflection is the first on the way base -> data, flowfit's on the way data -> base: turned around",
    ),
    Case(
        "matrix_exponential",
        "pyro MatrixExponential with 60 terms",
        {"type": "matrix_exponential"},
        {"generator": (3, 3), "bias": (3,)},
        forward=shifted(one_way(pyro_exponential, elementwise=False), +1),
        inverse=shifted(other_way(pyro_exponential, elementwise=False), -1),
        features=3,
        note="Pyro sums 8 terms of the series by default. It has no bias: added",
    ),
    Case(
        "rotation",
        "zuko RotationTransform",
        {"type": "rotation"},
        {"generator": (6,)},
        **both(zuko_rotation, elementwise=False),
        features=4,
    ),
    Case(
        "batch_norm_nflows",
        "nflows BatchNorm, evaluating",
        {"type": "batch_norm"},
        {"running_mean": (2,), "running_variance": ((2,), 0.3, 3), "log_scale": (2,), "shift": (2,)},
        **of(nflows_transforms.BatchNorm(2), nflows_batch_norm),
        buffers=("running_mean", "running_variance"),
        note="nflows' weight is softplus(raw) + eps, flowfit's exp(log_scale): nflows gets the raw number of that",
    ),
    Case(
        "batch_norm_pyro",
        "pyro BatchNorm, evaluating",
        {"type": "batch_norm", "epsilon": 0.01},
        {"running_mean": (2,), "running_variance": ((2,), 0.3, 3), "log_scale": (2,), "shift": (2,)},
        **pyro_batch_norm(),
        buffers=("running_mean", "running_variance"),
        note="Pyro's gamma is relu(raw) + 1e-6, flowfit's exp(log_scale): Pyro gets the raw number of that",
    ),
    Case(
        "act_norm",
        "nflows ActNorm, initialized",
        {"type": "act_norm"},
        {"log_scale": (3,), "shift": (3,)},
        **of(nflows_transforms.ActNorm(3), nflows_act_norm),
        features=3,
        note="nflows scales on the way to the base, flowfit on the way to the data",
    ),
    Case(
        "permutation_zuko",
        "zuko PermutationTransform",
        {"type": "permutation", "order": [2, 0, 3, 1]},
        **both(lambda p, _: zuko_transforms.PermutationTransform(torch.tensor([2, 0, 3, 1])), elementwise=False),
        features=4,
    ),
    Case(
        "permutation_pyro",
        "pyro Permute",
        {"type": "permutation", "order": [1, 2, 0]},
        **both(lambda p, _: pyro_transforms.Permute(torch.tensor([1, 2, 0])), elementwise=False),
        features=3,
    ),
    Case(
        "affine_fixed",
        "torch AffineTransform",
        {"type": "affine_fixed", "loc": [1, -2], "scale": [0.5, 3]},
        **both(lambda p, _: torch_transforms.AffineTransform(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0]))),
    ),
    Case("exp", "torch ExpTransform", {"type": "exp"}, forward=one_way(lambda p, _: torch_transforms.ExpTransform())),
]
