"""What the PyTorch peers share: a training step as their tutorials write it, scoring, sampling, torch.compile."""
import torch

import data


def set_threads(threads):
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


class TorchWork:
    """One case of one PyTorch library.

    modules    the torch.nn.Module that holds the parameters
    log_prob   rows -> log-densities
    draw       number of rows -> samples
    after      called after each optimizer step (Pyro empties its caches there)
    compiled   log_prob goes through torch.compile, and Adam is the fused one; otherwise both as by default
    """

    def __init__(self, case, modules, log_prob, draw=None, after=None, compiled=False, learning_rate=5e-4):
        self.case, self.modules, self.draw, self.after = case, modules, draw, after
        self.compiled = compiled
        self.batches = [torch.from_numpy(rows) for rows in data.batches(case)]
        self.next = 0
        if compiled:
            # Each of a flow's layers is its own entry in the cache of compiled frames; the default limit is 8.
            for name in ("recompile_limit", "accumulated_recompile_limit"):
                setattr(torch._dynamo.config, name, 512)
            torch._inductor.config.compile_threads = 1
            log_prob = torch.compile(log_prob)
        self.log_prob = log_prob
        if case.kind == "train":
            self.optimizer = torch.optim.Adam(modules.parameters(), lr=learning_rate, fused=compiled or None)
        else:
            modules.eval()

    def batch(self):
        self.next = (self.next + 1) % len(self.batches)
        return self.batches[self.next]

    def step(self):
        self.optimizer.zero_grad()
        loss = -self.log_prob(self.batch()).mean()
        loss.backward()
        self.optimizer.step()
        if self.after:
            self.after()

    def sample(self, rows):
        with torch.no_grad():
            return self.draw(rows)

    def score(self, rows):
        with torch.no_grad():
            return self.log_prob(self.batch()[:rows])

    def run(self, steps):
        for _ in range(steps):
            if self.case.kind == "train":
                self.step()
            elif self.case.kind == "sample":
                self.sample(self.case.rows)
            else:
                self.score(self.case.rows)

    def weights(self):
        """Weight entries of the linear layers, masked ones counted."""
        found = (getattr(module, "weight", None) for module in self.modules.modules())
        return sum(w.numel() for w in found if isinstance(w, torch.Tensor) and w.dim() == 2)

    def note(self):
        if not self.compiled:
            return ""
        breaks = sum(torch._dynamo.utils.counters["graph_break"].values())
        return f"{breaks} graph breaks" if breaks else "one graph"
