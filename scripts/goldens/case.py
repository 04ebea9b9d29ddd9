"""What a golden is made of, and how it becomes a JSON file: what one layer or base gives in float64, gradients included."""

import dataclasses
import importlib.metadata
import json
import math
import random
from collections.abc import Callable

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


@dataclasses.dataclass
class Case:
    """One JSON file.

    A map is a function (p, x, c) -> (value, log_det) in torch: p holds flowfit's raw tensors by their names, x is B x D, c is the
    context (B x C) or None; log_det has B numbers. For a base it is (p, x, c) -> B log densities.

    forward, inverse   the map base -> data and the map data -> base, as far as the peer has them in closed form
    solved             "forward" or "inverse": what is not given above is the exact inverse of what is (see `solve`)
    """

    name: str
    peer: str  # package, a blank, then what of it
    entry: dict  # the layer or base of a config
    parameters: dict = dataclasses.field(default_factory=dict)  # name -> shape, or (shape, scale), or (shape, low, high)
    forward: Callable | None = None
    inverse: Callable | None = None
    log_prob: Callable | None = None
    solved: bool = True
    features: int = 2
    context: int = 0
    buffers: tuple = ()  # parameters that get no gradient
    x: Callable | None = None  # draw -> one number of the input (of the map that is given)
    far: tuple = ()  # further rows, all columns at this number
    note: str = ""
    tolerance: float | None = None  # for a reason that `note` gives; else that of the tests

    @property
    def room(self):
        return "distributions" if self.log_prob else "transforms"


def source(peer):
    package, what = peer.split(" ", 1)
    return f"{package} {importlib.metadata.version({'pyro': 'pyro-ppl'}.get(package, package)).split('+')[0]}, {what}"


def numbers(tensor):
    return tensor.detach().tolist()


def drawn(shape, draw, low=None, high=None, scale=1.0):
    """Numbers with few digits, so that the files stay small."""
    count = math.prod(shape)
    one = (lambda: draw.gauss(0, scale)) if low is None else (lambda: draw.uniform(low, high))
    return torch.tensor([round(one(), 3) for _ in range(count)]).reshape(shape)


def parameters(case, draw):
    made = {}
    for name, spec in case.parameters.items():
        if torch.is_tensor(spec):
            made[name] = spec.clone()
        elif spec and isinstance(spec[0], tuple):
            shape, *rest = spec
            made[name] = drawn(shape, draw, *rest) if len(rest) == 2 else drawn(shape, draw, scale=rest[0])
        else:
            made[name] = drawn(spec, draw)
        made[name].requires_grad_(name not in case.buffers)
    return made


def solve(f, p, x, c):
    """y = f(x) as a fresh input, and the map back from it: x and log_det with the gradients of the implicit function theorem."""
    at = x.detach().requires_grad_()
    there = f(p, at, c)[0]
    rows = [torch.autograd.grad(there[:, j].sum(), at, retain_graph=True)[0] for j in range(x.shape[1])]
    jacobian = torch.stack(rows, dim=1)
    y = there.detach().requires_grad_()
    back = x.detach() - torch.linalg.solve(jacobian, (f(p, x.detach(), c)[0] - y).unsqueeze(-1)).squeeze(-1)
    return y, back, -f(p, back, c)[1]


def section(outputs, x, p, c, draw):
    """Outputs, and the gradients of Σ outputs · adjoints, with the adjoints drawn."""
    made, total = {"x": numbers(x)}, 0
    for name, output in outputs.items():
        adjoint = drawn(tuple(output.shape), draw, -1, 1)
        made[name] = numbers(output)
        made[name + "_adjoint"] = numbers(adjoint)
        total = total + (output * adjoint).sum()
    wanted = {"x_gradient": x, **({} if c is None else {"context_gradient": c})}
    learned = {name: tensor for name, tensor in p.items() if tensor.requires_grad}
    leaves = [*wanted.values(), *learned.values()]
    if total.requires_grad:
        found = torch.autograd.grad(total, leaves, allow_unused=True)
    else:
        found = [None] * len(leaves)
    gradients = [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found)]
    made.update(zip(wanted, map(numbers, gradients)))
    if learned:
        made["gradients"] = {name: numbers(g.flatten()) for name, g in zip(learned, gradients[len(wanted) :])}
    for tensor in [*outputs.values(), *gradients]:
        if not tensor.isfinite().all():
            raise SystemExit("a number is not finite: JSON has no place for it")
    return made


def golden(case):
    """The JSON object of a case."""
    draw = random.Random(case.name)
    p = parameters(case, draw)
    one = case.x or (lambda d: d.gauss(0, 1.5))
    rows = [[round(one(draw), 3) for _ in range(case.features)] for _ in range(8)] + [[v] * case.features for v in case.far]
    fresh = lambda: torch.tensor(rows).requires_grad_()  # noqa: E731
    given = drawn((len(rows), case.context), draw) if case.context else None
    context = lambda: None if given is None else given.clone().requires_grad_()  # noqa: E731
    made = {"source": source(case.peer)}
    if case.note:
        made["note"] = case.note
    if case.tolerance:
        made["tolerance"] = case.tolerance
    made["base" if case.log_prob else "layer"] = case.entry
    made["features"] = case.features
    if case.context:
        made["context"] = numbers(given)
    if p:
        made["parameters"] = {name: numbers(tensor.flatten()) for name, tensor in p.items()}
    if case.log_prob:
        x, c = fresh(), context()
        made["log_prob"] = section({"value": case.log_prob(p, x, c)}, x, p, c, draw)
        return made
    maps = {"forward": case.forward, "inverse": case.inverse}
    other = {"forward": "inverse", "inverse": "forward"}
    for direction, f in maps.items():
        if f is not None:
            x, c = fresh(), context()
            value, log_det = f(p, x, c)
            made[direction] = section({"value": value, "log_det": log_det}, x, p, c, draw)
            if case.solved and maps[other[direction]] is None:
                c = context()
                y, value, log_det = solve(f, p, fresh(), c)
                made[other[direction]] = section({"value": value, "log_det": log_det}, y, p, c, draw)
    return made


def text(made):
    """JSON with a line for each row of numbers."""

    def lines(value, indent):
        pad = "\n" + " " * (indent + 1)
        if isinstance(value, dict):
            inner = [f"{json.dumps(key)}: {lines(v, indent + 1)}" for key, v in value.items()]
            return "{" + pad + ("," + pad).join(inner) + pad[:-1] + "}"
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[" + pad + ("," + pad).join(map(json.dumps, value)) + "]"
        return json.dumps(value, ensure_ascii=False)

    entry = "base" if "base" in made else "layer"
    whole = lines({**made, entry: entry}, 0)  # the config goes on one line
    return whole.replace(f'"{entry}": "{entry}"', f'"{entry}": {json.dumps(made[entry])}', 1) + "\n"
