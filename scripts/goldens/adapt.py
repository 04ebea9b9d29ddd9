"""From the peers' ways of speaking to flowfit's: raw numbers, directions, networks."""

import contextlib
import importlib
import math

import torch
import torch.nn.functional as F


def pyro_module(name):
    """A module of pyro.distributions.transforms, which has a function of that name."""
    return importlib.import_module("pyro.distributions.transforms." + name)


ONE = math.log(math.expm1(1.0))  # softplus(ONE) = 1


def offset(least):
    """c with least + softplus(c) = 1."""
    return math.log(math.expm1(1 - least))


def inverse_softplus(y):
    return y + torch.log(-torch.expm1(-y))


def softclip(u, limit):
    return u / (1 + abs(u) / limit)


def inverse_softclip(v, limit):
    return v / (1 - abs(v) / limit)


def positive_diagonal(raw):
    """The diagonals of flowfit's linear maps."""
    return F.softplus(raw + offset(1e-3)) + 1e-3


def triangle(entries, size, upper=False):
    """A matrix from its entries strictly below or above the diagonal, row by row."""
    rows, columns = torch.triu_indices(size, size, 1) if upper else torch.tril_indices(size, size, -1)
    return torch.zeros(size, size).index_put((rows, columns), entries)


# ---- directions


def one_way(transform, elementwise=True):
    """transform(p, c) -> a torch Transform; the map that it is."""

    def map_(p, x, c):
        t = transform(p, c)
        y = t(x)
        log_det = t.log_abs_det_jacobian(x, y)
        return y, log_det.expand(x.shape).sum(-1) if elementwise else log_det.expand(len(x))

    return map_


def other_way(transform, elementwise=True):
    """The inverse of a torch Transform, by its own formula."""

    def map_(p, y, c):
        t = transform(p, c)
        x = t.inv(y)
        log_det = -t.log_abs_det_jacobian(x, y)
        return x, log_det.expand(x.shape).sum(-1) if elementwise else log_det.expand(len(x))

    return map_


def both(transform, elementwise=True):
    return {"forward": one_way(transform, elementwise), "inverse": other_way(transform, elementwise)}


class _Method(torch.nn.Module):
    def __init__(self, module, method):
        super().__init__()
        self.module, self.method = module, method

    def forward(self, *inputs):
        return getattr(self.module, self.method)(*inputs)


def run(module, tensors, *inputs, method="forward"):
    """Calls a method of a module whose parameters are these tensors."""
    named = {"module." + name: value for name, value in tensors.items()}
    return torch.func.functional_call(_Method(module.eval(), method), named, inputs)


def nflows_maps(module, tensors, turned=False, inverse=True):
    """Maps from an nflows transform; tensors(p) -> its parameters. turned: its forward is our map data -> base."""
    there = lambda p, x, c: run(module, tensors(p), x)  # noqa: E731
    back = lambda p, x, c: run(module, tensors(p), x, method="inverse")  # noqa: E731
    first, second = ("inverse", "forward") if turned else ("forward", "inverse")
    return {first: there, **({second: back} if inverse else {})}


# ---- boxes


def linear_tails(f, bound, least=0.0):
    """On [-bound, bound] (1 - least)·f(x) + least·x, and its lines outside, as in flowfit. f: x -> (value, log slope)."""

    def map_(x):
        at = x.clamp(-bound, bound)
        value, log_slope = f(at)
        slope = log_slope.exp()
        return (1 - least) * (value + slope * (x - at)) + least * x, ((1 - least) * slope + least).log().sum(-1)

    return map_


# ---- splines


def spline_parts(raw, bins, least=1e-3):
    """widths, heights, slopes and places: D x each, the slopes with the offset that the peers do not have."""
    w, h, d, *places = raw.split([bins, bins, bins - 1] + [bins] * (raw.shape[-1] > 3 * bins), dim=-1)
    return w, h, d + offset(least), *places


def boundary_slope_one(least=1e-3):
    """Pyro's splines end with slope 0.999 (1 - min_derivative); within this, with 1."""
    return _Patched(pyro_module("spline"), "_monotonic_rational_spline", lambda of: _with_slope_one(of, least))


def _with_slope_one(of, least):
    return lambda x, w, h, d, places, **more: of(x, w, h, d + least, places, min_derivative=0.0, **more)


class _Patched:
    def __init__(self, module, name, change):
        self.module, self.name, self.change = module, name, change

    def __enter__(self):
        self.old = getattr(self.module, self.name)
        setattr(self.module, self.name, self.change(self.old))

    def __exit__(self, *_):
        setattr(self.module, self.name, self.old)


def patched(module, **changes):
    """Module attributes that are others meanwhile."""
    stack = contextlib.ExitStack()
    for name, value in changes.items():
        stack.enter_context(_Patched(module, name, lambda _, v=value: v))
    return stack


def under(context, map_):
    """A map that runs within context()."""

    def inside(*arguments):
        with context():
            return map_(*arguments)

    return inside


# ---- networks


def layers(p, prefix="net"):
    """[(weight, bias), ...] of a dense net."""
    found = []
    while f"{prefix}.{len(found)}.weight" in p:
        found.append((p[f"{prefix}.{len(found)}.weight"], p[f"{prefix}.{len(found)}.bias"]))
    return found


def dense(x, layers_, activation=torch.relu):
    for i, (weight, bias) in enumerate(layers_):
        x = F.linear(x, weight, bias)
        if i + 1 < len(layers_):
            x = activation(x)
    return x


def by_part(columns, sizes):
    """Output rows of a net that gives all columns' first part, then all columns' second part, ... from rows column by column."""
    whole, rows, first = sum(sizes), [], 0
    for size in sizes:
        rows += [d * whole + first + k for d in range(columns) for k in range(size)]
        first += size
    return rows


def dense_shapes(prefix, sizes, scale=0.7):
    shapes = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        shapes[f"{prefix}.{i}.weight"] = ((b, a), scale)
        shapes[f"{prefix}.{i}.bias"] = ((b,), scale)
    return shapes
