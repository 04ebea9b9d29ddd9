"""Runs one peer on one case and answers the driver: `worker.py PEER CASE THREADS`, then lines on stdin.

Prints `ready {json}` once warm. `go N` runs N steps and prints the seconds they took; the end of stdin ends it.
PEER is nflows, zuko, pyro or flowjax; `+compile` behind a PyTorch one asks for torch.compile.
`worker.py --versions` prints the versions of the packages as JSON.
"""
import importlib
import importlib.metadata
import json
import os
import sys
import time

PACKAGES = ["torch", "pyro-ppl", "zuko", "nflows", "jax", "jaxlib", "flowjax", "equinox", "optax", "numpy"]


def versions():
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    found.update({name: importlib.metadata.version(name) for name in PACKAGES})
    return found


def warm_up(run):
    """The first call compiles; after it at least 4 steps and a second, but no more than 20 seconds once 2 are done."""
    run(1)
    start, steps = time.perf_counter(), 0
    while True:
        run(1)
        steps += 1
        seconds = time.perf_counter() - start
        if (steps >= 4 and seconds >= 1.0) or (steps >= 2 and seconds >= 20.0):
            return


def main():
    if sys.argv[1:] == ["--versions"]:
        print(json.dumps(versions()))
        return
    peer, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # The libraries read these when they are loaded.
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
        os.environ[variable] = str(threads)

    from cases import CASES

    library, _, variant = peer.partition("+")
    if variant not in ("", "compile"):
        raise SystemExit(f"unknown variant: {peer}")
    module = importlib.import_module(library + "_")
    work = module.build(CASES[name], threads, compiled=variant == "compile")
    warm_up(work.run)
    print("ready", json.dumps({"weights": work.weights(), "note": work.note()}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if len(words) != 2 or words[0] != "go":
            raise SystemExit(f"expected 'go N', got {line!r}")
        start = time.perf_counter()
        work.run(int(words[1]))
        print(repr(time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
