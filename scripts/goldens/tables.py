"""All cases by name, each as a function that gives its files."""
from . import univariates
from .case import golden, text

TABLES = [univariates]


def files():
    """name -> function -> {path below tests/golden: bytes}."""
    made = {}
    for table in TABLES:
        for case in table.CASES:
            if case.name in made:
                raise SystemExit(f"two cases are called {case.name!r}")
            made[case.name] = lambda case=case: {f"{case.room}/{case.name}.json": text(golden(case)).encode()}
    return made


def models():
    return {}
