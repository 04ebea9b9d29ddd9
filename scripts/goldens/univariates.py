"""Goldens of the univariates, through an `elementwise` layer with free parameters: `raw` is D x P."""

import math

import torch
import torch.nn.functional as F
from nflows.transforms import AffineCouplingTransform, MaskedAffineAutoregressiveTransform, PiecewiseRationalQuadraticCDF, splines
from pyro.distributions import transforms as pyro_transforms
from zuko import transforms as zuko_transforms

from .adapt import both, boundary_slope_one, inverse_softclip, linear_tails, nflows_maps, offset, pyro_module, spline_parts, under
from .case import Case

SLOPE_OFFSET = "flowfit's slopes have an offset that makes them 1 at raw = 0: added to the raw numbers"


def elementwise(univariate, **more):
    return {"type": "elementwise", "univariate": {"type": univariate, **more}}


# ---- affine


def zuko_affine(p, _):
    return zuko_transforms.MonotonicAffineTransform(p["raw"][:, 0], p["raw"][:, 1])


def pyro_affine(p, _):
    """AffineCoupling of a leading column that passes, so that all of the row is the changed half."""
    raw = p["raw"]
    net = lambda x1: (raw[:, 0].expand(len(x1), -1), raw[:, 1].expand(len(x1), -1))  # noqa: E731
    return pyro_transforms.AffineCoupling(1, net)


def with_leading_column(maps):
    def wrapped(f):
        def map_(p, x, c):
            value, log_det = f(p, torch.cat([torch.zeros(len(x), 1), x], -1), c)
            return value[:, 1:], log_det

        return map_

    return {direction: wrapped(f) for direction, f in maps.items()}


def nflows_softplus():
    layer = MaskedAffineAutoregressiveTransform(2, 4)

    def raw(p, rows):
        return torch.stack([p["raw"][:, 1] + offset(1e-3), p["raw"][:, 0]], -1).flatten().expand(rows, -1)

    return {
        "forward": lambda p, x, c: layer._elementwise_forward(x, raw(p, len(x))),
        "inverse": lambda p, y, c: layer._elementwise_inverse(y, raw(p, len(y))),
    }


def nflows_sigmoid():
    layer = AffineCouplingTransform([0, 0, 1, 1], lambda *_: torch.nn.Identity())
    at_zero = 1 / (1 + math.exp(-2)) + 1e-3

    def raw(p, rows):
        return torch.cat([p["raw"][:, 0], p["raw"][:, 1]]).expand(rows, -1)

    def forward(p, x, c):
        y, log_det = layer._coupling_transform_forward(x / at_zero, raw(p, len(x)))
        return y, log_det - 2 * math.log(at_zero)

    def inverse(p, y, c):
        x, log_det = layer._coupling_transform_inverse(y, raw(p, len(y)))
        return x * at_zero, log_det + 2 * math.log(at_zero)

    return {"forward": forward, "inverse": inverse}


# ---- splines


def nflows_spline(bins, bound, least):
    module = PiecewiseRationalQuadraticCDF(
        [2], bins, "linear", bound, min_bin_width=least, min_bin_height=least, min_derivative=least
    )
    names = ["unnormalized_widths", "unnormalized_heights", "unnormalized_derivatives"]
    return nflows_maps(module, lambda p: dict(zip(names, spline_parts(p["raw"], bins, least))))


def nflows_polynomial(function, parts, bound, **least):
    """One of nflows' polynomial splines on [-bound, bound]; parts(raw) -> its arguments, D x each."""

    def map_(inverse):
        def of(p, x, _):
            more = dict(parts(p["raw"]), left=-bound, right=bound, bottom=-bound, top=bound, inverse=inverse, **least)
            rows = {k: v.expand(len(x), *v.shape) if torch.is_tensor(v) else v for k, v in more.items()}
            return linear_tails(lambda at: function(at, **rows), bound)(x)

        return of

    return {"forward": map_(False), "inverse": map_(True)}


def quadratic_parts(raw, bins):
    return {"unnormalized_widths": raw[:, :bins], "unnormalized_heights": raw[:, bins:]}


def cubic_parts(raw, bins):
    w, h, left, right = raw.split([bins, bins, 1, 1], dim=-1)
    ends = {"unnorm_derivatives_left": left - math.log(2), "unnorm_derivatives_right": right - math.log(2)}
    return {"unnormalized_widths": w, "unnormalized_heights": h, **ends}


def pyro_spline(order, bins, bound):
    def transform(p, _):
        w, h, d, *places = spline_parts(p["raw"], bins)
        parts = w.softmax(-1), h.softmax(-1), F.softplus(d), places[0].sigmoid() if places else None
        return pyro_module("spline").ConditionedSpline(parts, bound=bound, order=order)

    return {direction: under(boundary_slope_one, f) for direction, f in both(transform).items()}


def zuko_spline(p, _):
    limit, (w, h, d) = -math.log(1e-3), spline_parts(p["raw"], 5)
    return zuko_transforms.MonotonicRQSTransform(
        inverse_softclip(w, limit / 2),
        inverse_softclip(h, limit / 2),
        inverse_softclip((1e-3 + F.softplus(d)).log(), limit),
        5.0,
    )


CASES = [
    Case(
        "affine_softclip",
        "zuko MonotonicAffineTransform",
        elementwise("affine"),
        {"raw": (2, 2)},
        **both(zuko_affine),
        far=(1e3,),
    ),
    Case(
        "affine_exp",
        "pyro AffineCoupling",
        elementwise("affine", scale="exp"),
        {"raw": (2, 2)},
        **with_leading_column(both(pyro_affine, elementwise=False)),
        note="log s stays within [-5, 3]: beyond, flowfit's gradient is 0 and Pyro's goes on",
    ),
    Case(
        "affine_softplus",
        "nflows MaskedAffineAutoregressiveTransform",
        elementwise("affine", scale="softplus"),
        {"raw": (2, 2)},
        **nflows_softplus(),
        note="flowfit's softplus has an offset that makes the scale 1 at u = 0: added to u",
    ),
    Case(
        "affine_sigmoid",
        "nflows AffineCouplingTransform",
        elementwise("affine", scale="sigmoid"),
        {"raw": (2, 2)},
        **nflows_sigmoid(),
        note="flowfit divides the scale by what it is at u = 0, nflows does not: x is divided by that before nflows' layer",
    ),
    Case(
        "shift",
        "zuko AdditiveTransform",
        elementwise("shift"),
        {"raw": (2, 1)},
        **both(lambda p, _: zuko_transforms.AdditiveTransform(p["raw"][:, 0])),
    ),
    Case(
        "spline_nflows",
        "nflows PiecewiseRationalQuadraticCDF with linear tails",
        elementwise("spline"),
        {"raw": (2, 23)},
        **nflows_spline(8, 5.0, 1e-3),
        x=lambda d: d.gauss(0, 3),
        far=(-5.5, 1e3),
        note=SLOPE_OFFSET,
    ),
    Case(
        "spline_nflows_least",
        "nflows PiecewiseRationalQuadraticCDF with linear tails",
        elementwise("spline", bins=3, bound=1.5, min_width=0.05, min_height=0.05, min_slope=0.05),
        {"raw": (2, 8)},
        **nflows_spline(3, 1.5, 0.05),
        x=lambda d: d.uniform(-1.5, 1.5),
        note=SLOPE_OFFSET,
    ),
    Case(
        "spline_linear",
        "nflows linear_spline",
        elementwise("spline", kind="linear", bins=6, bound=4, min_height=1e-15),
        {"raw": (2, 6)},
        forward=nflows_polynomial(splines.linear_spline, lambda raw: {"unnormalized_pdf": raw}, 4.0)["forward"],
        x=lambda d: d.gauss(0, 2),
        far=(-5.5, 1e3),
        note="nflows has no least height: 1e-15 here. Outside the box nflows goes on with slope 1, flowfit with that of the end. Its inverse is left out: "
        "the search adds 1e-6 to the last knot in place, and the last bin's slope is off by as much",
    ),
    Case(
        "spline_quadratic",
        "nflows quadratic_spline",
        elementwise("spline", kind="quadratic", bins=5, bound=3),
        {"raw": (2, 11)},
        **nflows_polynomial(splines.quadratic_spline, lambda raw: quadratic_parts(raw, 5), 3.0),
        x=lambda d: d.gauss(0, 1.5),
        far=(-5.5, 1e3),
        note="Outside the box nflows goes on with slope 1, flowfit with that of the end",
    ),
    Case(
        "spline_cubic",
        "nflows cubic_spline",
        elementwise("spline", kind="cubic", bins=5, bound=3, min_slope=1e-15),
        {"raw": (2, 12)},
        **nflows_polynomial(splines.cubic_spline, lambda raw: cubic_parts(raw, 5), 3.0),
        x=lambda d: d.gauss(0, 1.5),
        far=(-5.5, 1e3),
        note="flowfit's end slopes have an offset that makes them h/w at raw = 0, and a least one, 1e-15 here. Outside the box nflows goes on with slope 1, "
        "flowfit with that of the end",
    ),
    Case(
        "spline_zuko",
        "zuko MonotonicRQSTransform",
        elementwise("spline", bins=5, min_width=1e-15, min_height=1e-15),
        {"raw": ((2, 14), 0.8)},
        **both(zuko_spline),
        x=lambda d: d.gauss(0, 3),
        note="Zuko has no least width: 1e-15 here. It gets the raw numbers of flowfit's widths, heights and slopes",
    ),
    Case(
        "spline_pyro_quadratic",
        "pyro Spline, order quadratic",
        elementwise("spline", bins=4, bound=3),
        {"raw": (2, 11)},
        **pyro_spline("quadratic", 4, 3.0),
        x=lambda d: d.gauss(0, 2),
        far=(4.0,),
        note=SLOPE_OFFSET + ". Pyro's spline ends with slope 0.999, here with 1, so that the density does not jump",
    ),
    Case(
        "spline_pyro_linear",
        "pyro Spline, order linear",
        elementwise("spline", kind="rational_linear", bins=6, bound=3),
        {"raw": (2, 23)},
        **pyro_spline("linear", 6, 3.0),
        x=lambda d: d.gauss(0, 2),
        far=(-4.0,),
        note=SLOPE_OFFSET + ". Pyro's spline ends with slope 0.999, here with 1, so that the density does not jump",
    ),
]
