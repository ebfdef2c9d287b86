"""What a script needs, said in its --help and in one line when it is not there. Imported by the others."""

import argparse
import importlib.util
import sys

# What is imported is not always what is installed.
INSTALLED_AS = {"PIL": "pillow", "sklearn": "scikit-learn", "tensorflow": "tensorflow-cpu"}


def packages(modules):
    """The names to install them by."""
    return [INSTALLED_AS.get(name, name) for name in modules]


def pip(modules):
    """The command that installs them."""
    return "python -m pip install " + " ".join(packages(modules))


def missing(modules):
    """Those that this Python does not have."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def parser(description, modules=()):
    """A parser of arguments, whose --help needs nothing and says what the script does."""
    needs = f"needs Python packages: {pip(modules)}" if modules else "needs no Python packages"
    return argparse.ArgumentParser(
        description=description, epilog=needs, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def check(modules):
    """Ends the script where some of them are not there."""
    if absent := missing(modules):
        sys.exit(f"needs Python packages that are not here: {pip(absent)}")
