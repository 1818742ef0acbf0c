"""Set up and start: ``python3 lab.py`` opens the dashboard, ``python3 lab.py test`` runs every check and test.

Both make a virtual environment in .venv beside this file and install what they need into it. Python's own library is
enough to run this file.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main(arguments: list[str]) -> int:
    """Do what the first argument names; the rest goes to Streamlit or to pytest."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older Python should hear so
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 2
    if arguments[:1] == ["test"]:
        install("requirements-dev.txt")
        install_browser()
        return check(arguments[1:])
    install("requirements.txt")
    return run("-m", "streamlit", "run", "dashboard.py", *arguments)


def install(requirements: str) -> None:
    """Install a list of requirements, unless exactly this list was installed before."""
    wanted = "".join((HERE / name).read_text() for name in ("requirements.txt", requirements))
    installed = ENVIRONMENT / f"installed-{requirements}"
    works = environment_works()
    if works and installed.exists() and installed.read_text() == wanted:
        return
    if not works:
        make_environment()
    print(f"Installing {requirements}: some minutes and about 5 GB the first time", flush=True)
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements, must_work=True)
    installed.write_text(wanted)


def environment_works() -> bool:
    """Whether .venv has a Python that starts, is new enough and has pip: one that was interrupted may have none."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([str(PYTHON), "-c", check], cwd=HERE, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    """Make .venv, in place of a broken one; ends with a sentence where that is not possible."""
    print(f"{'Repairing' if ENVIRONMENT.exists() else 'Making'} the virtual environment in .venv", flush=True)
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    except (OSError, ValueError) as error:  # ValueError: .venv is a link to nowhere
        sys.exit(f"{HERE} cannot take a .venv ({error}): copy this folder to where you may write, and start there.")
    except subprocess.CalledProcessError:
        sys.exit("Python's venv cannot install pip: on Debian and Ubuntu, install python3-venv, and start again.")


def install_browser() -> None:
    """A Chromium for the browser tests: one that is there, Debian's, or Playwright's own."""
    if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Chromium", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "chromium"], check=True, stdout=subprocess.DEVNULL)
    else:
        run("-m", "playwright", "install", "chromium", must_work=True)


def check(arguments: list[str]) -> int:
    """Lint, formatting, types, then the tests; the first that fails ends it."""
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        if status := run("-m", *command):
            return status
    return run("-m", "pytest", *arguments)


def run(*arguments: str, must_work: bool = False) -> int:
    """Run the environment's Python in this folder; its exit status."""
    status = subprocess.call([str(PYTHON), *arguments], cwd=HERE)
    if status and must_work:
        sys.exit(f"python {' '.join(arguments)} failed; its message above says why.")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
