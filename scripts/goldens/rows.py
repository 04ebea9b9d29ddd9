"""Goldens of the nonlinear maps of whole rows: their formula (data -> base by default), and its exact inverse."""

import torch
import torch.nn.functional as F
from pyro.distributions import transforms as pyro_transforms
from torch.distributions import Transform, constraints
from zuko import transforms as zuko_transforms

from .adapt import ONE, dense, inverse_softplus, layers, patched, pyro_module, triangle
from .case import Case


def jacobian_of(f):
    """A map from its value alone: the log-determinant is that of the Jacobian, by autograd."""

    def map_(p, x, c):
        value = f(p, x, c)
        ones = torch.eye(x.shape[1])
        if not x.requires_grad:
            x = x.requires_grad_()
            value = f(p, x, c)
        rows = [torch.autograd.grad((value * row).sum(), x, create_graph=True)[0] for row in ones]
        return value, torch.linalg.slogdet(torch.stack(rows, 1)).logabsdet

    return map_


def planar(p, x, c):
    w = p["weight"]
    # Pyro: softplus(w·u) − 1, flowfit: softplus(w·u + ONE) − 1, which is 0 at u = 0.
    transform = pyro_module("planar").ConditionedPlanar((p["bias"], p["scale"] + ONE * w / w.square().sum(), w))
    y = transform._call(x)
    return y, transform._cached_logDetJ


def radial(p, x, c):
    alpha, strength = p["width"] + ONE, F.softplus(p["strength"] + ONE)
    # Pyro's beta is softplus(raw) − alpha, flowfit's (strength − 1)·alpha.
    transform = pyro_module("radial").ConditionedRadial((p["centre"], alpha, inverse_softplus(F.softplus(alpha) * strength)))
    y = transform._call(x)
    return y, transform._cached_logDetJ


def sylvester(p, x, c, units):
    q = torch.eye(x.shape[1])
    for v in p["reflections"].reshape(units, -1):
        q = q @ (torch.eye(len(v)) - 2 * torch.outer(v, v) / v.dot(v))
    inner_diagonal = F.softplus(p["inner_diagonal"] + ONE) + 1e-3
    product = F.softplus(p["product"] + ONE) - 1
    outer = triangle(p["outer"], units, upper=True) + torch.diag(product / inner_diagonal)
    inner = triangle(p["inner"], units, upper=True) + torch.diag(inner_diagonal)
    q = q[:, :units]
    return x + torch.tanh(x @ q @ inner.T + p["bias"]) @ outer.T @ q.T


class LeakyTanh(Transform):
    domain = codomain = constraints.real
    bijective = True

    def _call(self, x):
        return torch.tanh(x) + 0.01 * x

    def log_abs_det_jacobian(self, x, y):
        return (1.01 - torch.tanh(x).square()).log()


def block_autoregressive(columns, factors):
    def block(p, layer, name, out, into):
        diagonal = F.softplus(p[f"{name}.diagonal"].reshape(columns, out, into) + ONE) / into
        blocks = torch.block_diag(*diagonal)
        free = torch.block_diag(*torch.ones_like(diagonal)) == 0
        # Pyro's weight is a row of exp(raw) on the diagonal blocks and of raw below them, over its norm, times exp(_diag_weight).
        norm = (blocks + p[f"{name}.weight"] * free).square().sum(-1, keepdim=True).sqrt()
        layer._weight, layer._diag_weight, layer.bias = (
            torch.where(free, p[f"{name}.weight"], torch.where(free, 1.0, blocks).log()),
            norm.log(),
            p[f"{name}.bias"],
        )

    def map_(p, x, c):
        layer = pyro_transforms.BlockAutoregressive(columns, list(factors), residual="gated")
        layer.T = LeakyTanh()
        del layer.gate
        layer.gate = -p["gate"]
        for i, (into, out) in enumerate(zip([1, *factors], [*factors, 1])):
            inner = layer.layers[i]
            del inner._weight, inner._diag_weight, inner.bias
            block(p, inner, f"net.{i}", out, into)
        with patched(pyro_module("block_autoregressive"), eps=0.0):
            y = layer._call(x)
        return y, layer._cached_logDetJ.sum(-1)

    return map_


def block_shapes(columns, factors):
    shapes = {}
    for i, (into, out) in enumerate(zip([1, *factors], [*factors, 1])):
        mask = torch.ones(columns, columns).tril(-1).repeat_interleave(out, 0).repeat_interleave(into, 1)
        draw = torch.Generator().manual_seed(i)
        weight = (torch.randn(mask.shape, generator=draw) * 0.7 * mask * 1000).round() / 1000
        shapes[f"net.{i}.weight"] = weight
        shapes[f"net.{i}.bias"] = ((columns * out,), 0.7)
        shapes[f"net.{i}.diagonal"] = (columns, out, into)
    return {**shapes, "gate": (columns,)}


def bounded(weight, limit):
    """What flowfit divides a weight by: |(WᵀW)^64|_F^(1/128) over the limit, where it is more."""
    small = weight @ weight.T if weight.shape[0] < weight.shape[1] else weight.T @ weight
    norm = torch.linalg.matrix_power(small, 64).square().sum().pow(1 / 256)
    return weight * torch.clamp(limit / norm, max=1.0)


def residual(p, x, c, lipschitz):
    tensors = layers(p)
    limit = lipschitz ** (1 / len(tensors))
    return x + dense(x, [(bounded(weight, limit), bias) for weight, bias in tensors], lambda z: F.silu(z) / 1.1)


def continuous(p, _):
    (first, first_bias), (second, second_bias) = layers(p)
    beside = p["net.beside.weight"]

    def f(t, z):
        return F.linear(torch.tanh(F.linear(z, first, first_bias) + t * beside[:, 0]), second, second_bias)

    return zuko_transforms.FreeFormJacobianTransform(f, 0.0, 1.0, phi=p.values(), atol=1e-12, rtol=1e-12)


def there(p, x, c):
    return continuous(p, c).call_and_ladj(x)


def back(p, x, c):
    return continuous(p, c).inv.call_and_ladj(x)


SYLVESTER = "torch autograd of van den Berg et al. 2018, eq. 8"

CASES = [
    Case(
        "planar",
        "pyro Planar",
        {"type": "planar"},
        {"weight": (3,), "scale": (3,), "bias": (1,)},
        inverse=planar,
        features=3,
        note="Pyro's softplus has no offset: its u is moved along w by that",
    ),
    Case(
        "radial",
        "pyro Radial",
        {"type": "radial", "direction": "sampling"},
        {"centre": (3,), "width": (1,), "strength": (1,)},
        forward=radial,
        features=3,
        note="Pyro's softplus have no offsets, and its beta is not in units of alpha: it gets the raw number of the same beta",
    ),
    Case(
        "sylvester",
        SYLVESTER,
        {"type": "sylvester", "units": 3},
        {"reflections": (3, 4), "outer": (3,), "inner": (3,), "product": (3,), "inner_diagonal": (3,), "bias": (3,)},
        inverse=jacobian_of(lambda p, x, c: sylvester(p, x, c, 3)),
        features=4,
        note="Pyro's Sylvester is another map, x + Rᵀ·Qᵀ·tanh(Q·Sᵀ·x + b), and its log-determinant not that of its Jacobian",
    ),
    Case(
        "block_autoregressive",
        "pyro BlockAutoregressive, residual gated",
        {"type": "block_autoregressive", "hidden_factors": [3, 2]},
        block_shapes(3, (3, 2)),
        inverse=block_autoregressive(3, (3, 2)),
        features=3,
        note="flowfit's activation tanh(z) + 0.01·z and positive blocks, through Pyro's layers, whose logarithms go without 1e-8",
    ),
    Case(
        "residual",
        "torch autograd of Behrmann et al. 2019",
        {"type": "residual", "net": {"hidden": [4, 5]}},
        {
            "net.0.weight": ((4, 3), 0.8),
            "net.0.bias": (4,),
            "net.1.weight": ((5, 4), 0.8),
            "net.1.bias": (5,),
            "net.2.weight": ((3, 5), 0.3),
            "net.2.bias": (3,),
        },
        inverse=jacobian_of(lambda p, x, c: residual(p, x, c, 0.97)),
        features=3,
        note="the log-determinant is that of the Jacobian; weights are bounded as docs/transforms.md says",
    ),
    Case(
        "continuous",
        "zuko FreeFormJacobianTransform",
        {"type": "continuous", "atol": 1e-12, "rtol": 1e-12, "net": {"hidden": [5]}},
        {
            "net.beside.weight": (5, 1),
            "net.0.weight": ((5, 2), 0.7),
            "net.0.bias": ((5,), 0.7),
            "net.1.weight": ((2, 5), 0.7),
            "net.1.bias": ((2,), 0.7),
        },
        inverse=there,
        forward=back,
        note="each solver within its tolerance",
        tolerance=1e-8,
    ),
]
