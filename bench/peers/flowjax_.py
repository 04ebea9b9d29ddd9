"""flowjax: the same flows from its parts, with the whole step compiled by jax.jit and Adam from optax."""
import equinox
import jax
import jax.numpy as jnp
import optax
import paramax
from flowjax import bijections
from flowjax.distributions import Normal, Transformed
from flowjax.flows import masked_autoregressive_flow

import data

FORMS = {"autoregressive", "coupling", "maf"}
COMPILES = set()
NOTES = {
    "autoregressive": "flowjax has plain networks: as many layers of the same width; its splines learn the slopes at the bounds too",
    "coupling": "flowjax has plain networks: as many layers of the same width; its splines learn the slopes at the bounds too",
}


def _layer(case, key):
    """Permutation, LU map (two triangular ones) and spline, in the direction of scoring."""
    keys = jax.random.split(key, 2)
    columns = case.columns
    spline = bijections.RationalQuadraticSpline(knots=case.bins - 1, interval=case.bound)
    net = dict(transformer=spline, dim=columns, nn_width=case.width, nn_depth=1 + 2 * case.blocks)
    if case.form == "autoregressive":
        layer = bijections.MaskedAutoregressive(keys[0], **net)
    else:
        layer = bijections.Coupling(keys[0], untransformed_dim=columns // 2, **net)
    return bijections.Chain(
        [
            bijections.Permute(jax.random.permutation(keys[1], jnp.arange(columns))),
            bijections.TriangularAffine(jnp.zeros(columns), jnp.eye(columns), lower=False),
            bijections.TriangularAffine(jnp.zeros(columns), jnp.eye(columns), lower=True),
            layer,
        ]
    )


def _flow(case):
    key, base = jax.random.key(0), Normal(jnp.zeros(case.columns))
    if case.form == "maf":
        flow = masked_autoregressive_flow(
            key, base_dist=base, flow_layers=case.transforms, nn_width=case.width, nn_depth=2
        )
    else:
        keys = jax.random.split(key, case.transforms)
        layers = equinox.filter_vmap(lambda k: _layer(case, k))(keys)
        flow = Transformed(base, bijections.Invert(bijections.Scan(layers)))
    # The base is the standard normal and stays so.
    return equinox.tree_at(lambda f: f.base_dist, flow, replace_fn=paramax.non_trainable)


class JaxWork:
    """One case of flowjax: params change, static does not, and each step is one compiled function."""

    def __init__(self, case):
        self.case = case
        self.batches = [jnp.asarray(rows) for rows in data.batches(case)]
        self.next = 0
        self.params, static = equinox.partition(
            _flow(case), equinox.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
        )
        self.key = jax.random.key(1)
        optimizer = optax.adam(5e-4)
        self.state = optimizer.init(self.params)

        def whole(params):
            return paramax.unwrap(equinox.combine(params, static))

        def train(params, state, rows):
            gradient = jax.grad(lambda p: -whole(p).log_prob(rows).mean())(params)
            updates, state = optimizer.update(gradient, state)
            return optax.apply_updates(params, updates), state

        self._train = jax.jit(train, donate_argnums=(0, 1))
        self._score = jax.jit(lambda params, rows: whole(params).log_prob(rows))
        self._sample = jax.jit(lambda params, key, rows: whole(params).sample(key, (rows,)), static_argnums=2)

    def batch(self):
        self.next = (self.next + 1) % len(self.batches)
        return self.batches[self.next]

    def step(self):
        self.params, self.state = self._train(self.params, self.state, self.batch())
        return self.params

    def sample(self, rows):
        self.key, key = jax.random.split(self.key)
        return self._sample(self.params, key, rows)

    def score(self, rows):
        return self._score(self.params, self.batch()[:rows])

    def run(self, steps):
        result = None
        for _ in range(steps):
            if self.case.kind == "train":
                result = self.step()
            elif self.case.kind == "sample":
                result = self.sample(self.case.rows)
            else:
                result = self.score(self.case.rows)
        jax.block_until_ready(result)

    def weights(self):
        """Weight entries of the linear layers, masked ones counted; the layers of the flow are stacked in each."""
        layers = jax.tree.leaves(self.params, is_leaf=lambda node: isinstance(node, equinox.nn.Linear))
        found = [layer for layer in layers if isinstance(layer, equinox.nn.Linear)]
        return sum(leaf.size for layer in found for leaf in jax.tree.leaves(layer.weight))

    def note(self):
        return "jax.jit"


def build(case, threads, compiled):
    if compiled:
        raise SystemExit("flowjax is always compiled")
    return JaxWork(case)
