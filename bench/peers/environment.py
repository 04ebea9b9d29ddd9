"""The virtual environment that holds the peers: where it is, and how it gets the pinned versions."""

import os
import pathlib
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flowfit"
DEFAULT = CACHE / "peers"


def log(text):
    print(text, file=sys.stderr, flush=True)


def environment_python(folder):
    return folder / "bin" / "python"


def install(folder, base_python):
    """Makes the virtual environment hold exactly the pinned versions; does nothing when it does."""
    wanted = REQUIREMENTS.read_text()
    stamp = folder / "flowfit-requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    log(f"installing the peers into {folder}")
    if not environment_python(folder).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        if subprocess.run([base_python, "-m", "venv", str(folder)]).returncode != 0:
            raise SystemExit(f"{base_python} made no virtual environment (Debian: apt-get install python3-venv)")
    pip = [str(environment_python(folder)), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)]
    if subprocess.run(pip).returncode != 0:
        raise SystemExit("pip could not install bench/peers/requirements.txt")
    stamp.write_text(wanted)
