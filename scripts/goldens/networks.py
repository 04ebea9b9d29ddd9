"""Goldens of layers whose numbers come from a network: Pyro's couplings, autoregressive layers and conditional splines."""

import random

import torch
from pyro.distributions import transforms as pyro_transforms
from pyro.nn import AutoRegressiveNN, ConditionalAutoRegressiveNN, ConditionalDenseNN, DenseNN

from .adapt import both, boundary_slope_one, by_part, dense_shapes, layers, offset, under
from .case import Case, drawn

SPLINE = {"type": "spline", "kind": "rational_linear", "bins": 3, "bound": 3}
PARTS = [3, 3, 2, 3]  # widths, heights, slopes, places
BOUNDARY = (
    "Pyro's splines end with slope 0.999, here with 1; flowfit's slopes have an offset, 1 at raw = 0: added to the last bias"
)


def pyro_net(net, p, parts, prefix="net", slopes=None):
    """Gives a DenseNN flowfit's tensors; its outputs are part by part. slopes: the part that gets the offset of slopes."""
    rows = by_part(net.output_multiplier // sum(parts), parts)
    tensors = layers(p, prefix)
    weight, bias = (tensor[rows] for tensor in tensors[-1])
    if slopes is not None:
        columns = len(rows) // sum(parts)
        first, count = columns * sum(parts[:slopes]), columns * parts[slopes]
        bias = bias + torch.zeros(len(rows)).index_fill(0, torch.arange(first, first + count), offset(1e-3))
    return set_layers(net, [*tensors[:-1], (weight, bias)])


def set_layers(net, tensors):
    for layer, (weight, bias) in zip(net.layers, tensors, strict=True):
        del layer.weight, layer.bias
        layer.weight, layer.bias = weight, bias
    return net


def affine_coupling(p, _):
    return pyro_transforms.AffineCoupling(2, pyro_net(DenseNN(2, [4, 5], [3, 3]), p, [1, 1]))


def spline_coupling(p, _):
    net = pyro_net(DenseNN(1, [5], [2 * n for n in PARTS]), p, PARTS, slopes=2)
    layer = pyro_transforms.SplineCoupling(3, 1, net, count_bins=3)
    return set_spline(layer, p["identity_half.raw"])


def set_spline(layer, raw):
    lower = layer.lower_spline
    names = ["unnormalized_widths", "unnormalized_heights", "unnormalized_derivatives", "unnormalized_lambdas"]
    for name, value in zip(names, raw.split(PARTS, -1)):
        delattr(lower, name)
        setattr(lower, name, value + offset(1e-3) if name.endswith("derivatives") else value)
    return layer


def conditional_spline(p, c):
    net = pyro_net(DenseNN(2, [5], [2 * n for n in PARTS]), p, PARTS, slopes=2)
    return pyro_transforms.ConditionalSpline(net, 2, count_bins=3).condition(c)


def degree_masks(columns, hidden, parts, context=0):
    """flowfit's masks: unit j of H sees floor(j (D - 1) / H) + 1 columns, with context floor(j D / H). Outputs: column by column."""
    seen = [torch.arange(h) * columns // h if context else torch.arange(h) * (columns - 1) // h + 1 for h in hidden]
    outputs = torch.arange(columns).repeat_interleave(parts)
    masks = [torch.arange(-context, columns) < seen[0].unsqueeze(-1)]
    masks += [before <= after.unsqueeze(-1) for before, after in zip(seen, seen[1:])]
    return [*masks, seen[-1] <= outputs.unsqueeze(-1)]


def pyro_made(p, columns, hidden, parts, slopes=None, context=0):
    """A masked network with flowfit's tensors and masks; its outputs are number by number, each for all columns."""
    given = torch.arange(columns)
    if context:
        net = ConditionalAutoRegressiveNN(columns, context, hidden, parts, permutation=given)
    else:
        net = AutoRegressiveNN(columns, hidden, parts, permutation=given)
    whole = sum(parts)
    rows = [d * whole + k for k in range(whole) for d in range(columns)]
    tensors = layers(p)
    weight, bias = (tensor[rows] for tensor in tensors[-1])
    if slopes is not None:
        first = columns * sum(parts[:slopes])
        bias = bias + torch.zeros(len(rows)).index_fill(0, torch.arange(first, first + columns * parts[slopes]), offset(1e-3))
    set_layers(net, [*tensors[:-1], (weight, bias)])
    *masks, last = degree_masks(columns, hidden, whole, context)
    for layer, mask in zip(net.layers, [*masks, last[rows]], strict=True):
        layer.mask = mask.double()
    return net


def affine_autoregressive(p, _):
    return pyro_transforms.AffineAutoregressive(pyro_made(p, 3, [4, 6], [1, 1]))


def spline_autoregressive(p, _):
    return pyro_transforms.SplineAutoregressive(3, pyro_made(p, 3, [6], PARTS, slopes=2), count_bins=3)


def conditional_affine_coupling(p, c):
    net = pyro_net(ConditionalDenseNN(1, 2, [5], [2, 2]), p, [1, 1])
    return pyro_transforms.ConditionalAffineCoupling(1, net).condition(c)


def conditional_affine_autoregressive(p, c):
    net = pyro_made(p, 3, [7, 6], [1, 1], context=2)
    return pyro_transforms.ConditionalAffineAutoregressive(net).condition(c)


def masked_shapes(columns, hidden, parts, context=0):
    """Tensors with zeros where the masks are."""
    draw, made = random.Random("masks"), {}
    sizes = [context + columns, *hidden, columns * sum(parts)]
    for i, mask in enumerate(degree_masks(columns, hidden, sum(parts), context)):
        made[f"net.{i}.weight"] = drawn((sizes[i + 1], sizes[i]), draw, scale=0.7) * mask
        made[f"net.{i}.bias"] = drawn((sizes[i + 1],), draw, scale=0.7)
    return made


def sloped(transform):
    return {direction: under(boundary_slope_one, f) for direction, f in both(transform).items()}


CLAMP = "log s stays within [-5, 3]: beyond, flowfit's gradient is 0 and Pyro's goes on"
MASKS = "Pyro's units get flowfit's degrees (docs/model-file.md)"

CASES = [
    Case(
        "coupling_affine",
        "pyro AffineCoupling with DenseNN",
        {"type": "coupling", "univariate": {"type": "affine", "scale": "exp"}, "net": {"hidden": [4, 5]}},
        dense_shapes("net", [2, 4, 5, 6]),
        **both(affine_coupling, elementwise=False),
        features=5,
        note=CLAMP,
    ),
    Case(
        "coupling_affine_conditional",
        "pyro ConditionalAffineCoupling with ConditionalDenseNN",
        {"type": "coupling", "univariate": {"type": "affine", "scale": "exp"}, "net": {"hidden": [5]}},
        dense_shapes("net", [3, 5, 4], 0.4),
        **both(conditional_affine_coupling, elementwise=False),
        features=3,
        context=2,
        note=CLAMP,
    ),
    Case(
        "coupling_spline",
        "pyro SplineCoupling with DenseNN",
        {"type": "coupling", "univariate": SPLINE, "identity_half": SPLINE, "net": {"hidden": [5]}},
        {**dense_shapes("net", [1, 5, 22]), "identity_half.raw": (1, 11)},
        **{d: under(boundary_slope_one, f) for d, f in both(spline_coupling, elementwise=False).items()},
        features=3,
        note=BOUNDARY,
    ),
    Case(
        "conditional_spline",
        "pyro ConditionalSpline with DenseNN",
        {"type": "elementwise", "univariate": SPLINE, "net": {"hidden": [5]}},
        dense_shapes("net", [2, 5, 22]),
        **sloped(conditional_spline),
        context=2,
        note=BOUNDARY,
    ),
    Case(
        "autoregressive_affine",
        "pyro AffineAutoregressive with AutoRegressiveNN",
        {
            "type": "autoregressive",
            "univariate": {"type": "affine", "scale": "exp"},
            "direction": "sampling",
            "net": {"hidden": [4, 6]},
        },
        masked_shapes(3, [4, 6], [1, 1]),
        **both(affine_autoregressive, elementwise=False),
        features=3,
        note=CLAMP + ". " + MASKS,
    ),
    Case(
        "autoregressive_affine_conditional",
        "pyro ConditionalAffineAutoregressive with ConditionalAutoRegressiveNN",
        {
            "type": "autoregressive",
            "univariate": {"type": "affine", "scale": "exp"},
            "direction": "sampling",
            "net": {"hidden": [7, 6]},
        },
        masked_shapes(3, [7, 6], [1, 1], context=2),
        **both(conditional_affine_autoregressive, elementwise=False),
        features=3,
        context=2,
        note=CLAMP + ". " + MASKS,
    ),
    Case(
        "autoregressive_spline",
        "pyro SplineAutoregressive with AutoRegressiveNN",
        {"type": "autoregressive", "univariate": SPLINE, "direction": "sampling", "net": {"hidden": [6]}},
        masked_shapes(3, [6], PARTS),
        **{d: under(boundary_slope_one, f) for d, f in both(spline_autoregressive, elementwise=False).items()},
        features=3,
        note=BOUNDARY + ". " + MASKS,
    ),
]
