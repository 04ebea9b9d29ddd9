"""Whole flows of nflows as flowfit's model files, and nflows' scores of some rows: how weights trained elsewhere get into a file.

docs/model-file.md says what the tensors are called and how they are laid out; each function here turns one layer of nflows
around to that. nflows lists its layers data -> base and flowfit base -> data, so the order is the opposite one, and a layer whose
formula nflows reads data -> base gets "inverse": true.
"""

import csv
import io
import json
import math
import random
import struct
import zlib

import torch
from nflows import distributions, flows, transforms
from nflows.nn.nets import ResidualNet

from .adapt import offset
from .case import source

COLUMNS = ["a", "b", "c", "d"]
SCHEMA = {
    "columns": [
        {"name": n, "loc": loc, "scale": s} for n, loc, s in zip(COLUMNS, [0.5, -1.0, 0.0, 2.0], [2.0, 0.5, 1.0, 0.25])
    ],
    "context": [],
}


# ---- one layer of nflows each: its config, and its tensors by their names after "flow.i."


def lu_linear(layer):
    tensors = {
        "lower": layer.lower_entries,
        "upper": layer.upper_entries,
        # nflows' softplus has no offset, flowfit's is 1 at 0.
        "diagonal": layer.unconstrained_upper_diag - offset(layer.eps),
        "bias": layer.bias,
    }
    return {"type": "lu_linear"}, tensors


def permutation(layer):
    # nflows' output i is input order[i] on the way to the base; flowfit's "order" says so for the way to the data.
    return {"type": "permutation", "order": torch.argsort(layer._permutation).tolist()}, {}


def batch_norm(layer):
    tensors = {
        "running_mean": layer.running_mean,
        "running_variance": layer.running_var,
        "log_scale": layer.weight.log(),  # softplus + eps there
        "shift": layer.bias,
    }
    return {"type": "batch_norm", "epsilon": layer.eps}, tensors


def residual(net, order=None):
    """The tensors of a ResidualNet or a residual MADE; order: its hidden units, sorted."""
    initial, final = net.initial_layer, net.final_layer
    order = torch.arange(initial.out_features) if order is None else order
    tensors = {"net.input.weight": weight(initial)[order], "net.input.bias": initial.bias[order]}
    for j, block in enumerate(net.blocks):
        for k, linear in enumerate(block.linear_layers):
            tensors[f"net.blocks.{j}.{k}.weight"] = weight(linear)[order][:, order]
            tensors[f"net.blocks.{j}.{k}.bias"] = linear.bias[order]
    return {**tensors, "net.output.weight": weight(final)[:, order], "net.output.bias": final.bias}


def dense(net, order):
    """The tensors of a MADE without residual blocks: a dense net."""
    layers = [net.initial_layer, *(block.linear for block in net.blocks), net.final_layer]
    tensors = {}
    for j, linear in enumerate(layers):
        rows = order if j + 1 < len(layers) else torch.arange(linear.out_features)
        columns = order if j > 0 else torch.arange(linear.in_features)
        tensors[f"net.{j}.weight"] = weight(linear)[rows][:, columns]
        tensors[f"net.{j}.bias"] = linear.bias[rows]
    return tensors


def weight(linear):
    return linear.weight * linear.mask if hasattr(linear, "mask") else linear.weight


def last_layer(tensors):
    *_, weight, bias = tensors
    return weight, bias


def spline(layer, net, tensors):
    """The univariate of a spline layer; its network's last layer is turned around in `tensors`."""
    weight, bias = last_layer(tensors)
    # For each column that changes: widths, heights, slopes, as in flowfit. Where its network tells the number of hidden units,
    # nflows divides widths and heights by the root of that; its slopes are min + softplus without an offset.
    bins = layer.num_bins
    part = torch.arange(len(tensors[bias])) % (3 * bins - 1)
    factor = torch.where(part < 2 * bins, 1 / math.sqrt(getattr(net, "hidden_features", 1)), 1.0)
    tensors[weight] = tensors[weight] * factor.unsqueeze(-1)
    tensors[bias] = tensors[bias] * factor - torch.where(part < 2 * bins, 0.0, offset(layer.min_derivative))
    least = {"min_width": layer.min_bin_width, "min_height": layer.min_bin_height, "min_slope": layer.min_derivative}
    return {"type": "spline", "bins": bins, "bound": layer.tail_bound, **least}


def spline_coupling(layer):
    net = layer.transform_net
    tensors = residual(net)
    config = {
        "type": "coupling",
        "univariate": spline(layer, net, tensors),
        "mask": layer.identity_features.tolist(),
        "net": {"type": "residual", "hidden": [net.hidden_features] * len(net.blocks)},
        "inverse": True,
    }
    return config, tensors


def made(net, features):
    """The tensors and the "net" of a MADE."""
    # Hidden units by degree: nflows deals the degrees out in turns, flowfit sorts them. There are as many of each where the
    # number of columns less one divides that of the units.
    order = torch.argsort(net.initial_layer.degrees, stable=True)
    hidden, blocks = net.initial_layer.out_features, len(net.blocks)
    assert hidden % (features - 1) == 0
    if net.use_residual_blocks:
        return residual(net, order), {"type": "residual", "hidden": [hidden] * blocks}
    return dense(net, order), {"hidden": [hidden] * (1 + blocks)}


def autoregressive(univariate, net):
    # Turned around, what reads the base side reads the data.
    return {"type": "autoregressive", "univariate": univariate, "direction": "sampling", "net": net, "inverse": True}


def spline_autoregressive(layer):
    tensors, net = made(layer.autoregressive_net, layer.autoregressive_net.initial_layer.in_features)
    return autoregressive(spline(layer, layer.autoregressive_net, tensors), net), tensors


def affine_autoregressive(layer):
    tensors, net = made(layer.autoregressive_net, layer.features)
    weight, bias = last_layer(tensors)
    # For each column nflows has (u, t), flowfit (t, u), and nflows' softplus has no offset.
    swapped = torch.arange(2 * layer.features).reshape(-1, 2).flip(-1).flatten()
    tensors[weight] = tensors[weight][swapped]
    tensors[bias] = tensors[bias][swapped] - torch.tensor([0.0, offset(layer._epsilon)]).repeat(layer.features)
    return autoregressive({"type": "affine", "scale": "softplus"}, net), tensors


CONVERT = {
    transforms.LULinear: lu_linear,
    transforms.ReversePermutation: permutation,
    transforms.Permutation: permutation,
    transforms.BatchNorm: batch_norm,
    transforms.PiecewiseRationalQuadraticCouplingTransform: spline_coupling,
    transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform: spline_autoregressive,
    transforms.MaskedAffineAutoregressiveTransform: affine_autoregressive,
}


# ---- the file


def model_file(layers, dtype, record):
    """The bytes of a model file; layers: nflows' own, data -> base."""
    config_layers, tensors = [], {}
    for i, layer in enumerate(reversed(layers)):
        config, own = CONVERT[type(layer)](layer)
        config_layers.append(config)
        tensors.update({f"flow.{i}.{name}": tensor.detach() for name, tensor in own.items()})
    config = {
        "data": {"columns": COLUMNS, "preprocess": "standardize"},
        "base": {"type": "normal"},
        "flow": config_layers,
        "train": {"dtype": dtype},
    }
    metadata = {"format_version": "1", "checksum": "0" * 8, "config": json.dumps(config), "schema": json.dumps(SCHEMA)}
    header, data = {"__metadata__": {**metadata, "record": json.dumps(record)}}, b""
    kind, letter = ("F32", "f") if dtype == "float32" else ("F64", "d")
    for name, tensor in tensors.items():
        numbers = tensor.flatten().tolist()
        begin, data = len(data), data + struct.pack(f"<{len(numbers)}{letter}", *numbers)
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + data
    return whole.replace(b'"checksum": "00000000"', b'"checksum": "%08x"' % zlib.crc32(whole), 1)


# ---- the flows


def draw_weights(module, seed):
    """Weights far from where nflows starts, as training would leave them."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if name.endswith(("mask", "degrees", "_permutation", "_features")) or tensor.dim() == 0:
            continue
        scale = 0.5 if tensor.dim() == 1 else 1 / math.sqrt(tensor.shape[1])
        drawn = torch.randn(tensor.shape, generator=generator) * scale
        tensor.data = drawn.abs() + 0.5 if name.endswith("running_var") else tensor.data * 0 + drawn


def coupling():
    def layer(mask):
        return transforms.PiecewiseRationalQuadraticCouplingTransform(
            mask,
            lambda inputs, outputs: ResidualNet(inputs, outputs, hidden_features=8, num_blocks=2),
            num_bins=4,
            tails="linear",
            tail_bound=3.0,
        )

    return [
        transforms.Permutation(torch.tensor([2, 0, 3, 1])),
        transforms.LULinear(4),
        layer([0, 0, 1, 1]),
        transforms.LULinear(4),
        layer([1, 0, 1, 0]),
    ]


def maf():
    def layer(is_residual):
        return transforms.MaskedAffineAutoregressiveTransform(
            features=4, hidden_features=9, num_blocks=2, use_residual_blocks=is_residual
        )

    return [layer(True), transforms.BatchNorm(4), transforms.ReversePermutation(4), layer(False)]


def nsf():
    def layer():
        return transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
            features=4, hidden_features=6, num_bins=3, num_blocks=1, tails="linear", tail_bound=4.0
        )

    return [layer(), transforms.LULinear(4), layer()]


MODELS = {
    "nflows_coupling": (coupling, "nflows PiecewiseRationalQuadraticCouplingTransform with ResidualNet, LULinear, Permutation"),
    "nflows_nsf": (nsf, "nflows MaskedPiecewiseRationalQuadraticAutoregressiveTransform with residual MADE, LULinear"),
    "nflows_maf": (
        maf,
        "nflows MaskedAffineAutoregressiveTransform with residual and plain MADE, BatchNorm, ReversePermutation",
    ),
}


def scored(flow, row):
    """The row's log-density, and how far rounding the row alone to float32 may move it: no program can score it closer in that arithmetic."""
    row.requires_grad_()
    score = flow.log_prob(row).sum()
    (gradient,) = torch.autograd.grad(score, row)
    return score.item(), (gradient * row).abs().sum().item() * 2.0**-24


def files(name):
    """{path: bytes}: the model in both dtypes, and rows with their scores as CSV."""
    make, peer = MODELS[name]
    layers = make()
    flow = flows.Flow(transforms.CompositeTransform(layers), distributions.StandardNormal([4])).eval()
    draw_weights(flow, 1)
    loc, scale = (torch.tensor([c[key] for c in SCHEMA["columns"]]) for key in ("loc", "scale"))
    draw = random.Random(name)
    rows, scores = [], []
    while len(rows) < 20:
        row = [round(c["loc"] + c["scale"] * draw.gauss(0, 1.3), 3) for c in SCHEMA["columns"]]
        score, moves = scored(flow, (torch.tensor([row]) - loc) / scale)
        score -= scale.log().sum().item()
        if moves < 0.25e-6 * max(1, abs(score)):
            rows.append(row)
            scores.append(score)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS, "logprob"])
    writer.writerows([*row, score] for row, score in zip(rows, scores))
    made = {f"models/{name}.csv": table.getvalue().encode()}
    for dtype in ("float32", "float64"):
        made[f"models/{name}.{dtype}.safetensors"] = model_file(layers, dtype, {"source": source(peer)})
    return made
