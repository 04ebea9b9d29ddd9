"""All cases and models by name, each as a function that gives its files."""

from . import bases, fixed, linear, models, monotone, networks, rows, univariates
from .case import golden, text

TABLES = [univariates, monotone, linear, rows, fixed, networks, bases]


def everything():
    """name -> function -> {path below tests/golden: bytes}."""
    made = {name: lambda name=name: models.files(name) for name in models.MODELS}
    for table in TABLES:
        for case in table.CASES:
            if case.name in made:
                raise SystemExit(f"two cases are called {case.name!r}")
            made[case.name] = lambda case=case: {f"{case.room}/{case.name}.json": text(golden(case)).encode()}
    return made
