"""Prints the licences of what cbench needs, by the metadata of what is installed here: `python licences.py >
docs/licences.md`."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

ROOT = ("cbench", frozenset({"full"}))
"""Without the extra `test`: what only developers install is not listed."""
HEAD = """# Licences of the dependencies

What `pip install 'cbench[full]'` brings, by each package's own metadata, on Linux;
`python recipes/supply/licences.py` printed it.
The versions are those of `constraints.txt`.
"""


def needed(
    name: str, extras: frozenset[str], packages: dict[str, Distribution | None]
) -> dict[str, Distribution | None]:
    """Everything that a package needs, itself and what it needs only elsewhere apart; None for what is not
    installed."""
    for line in (packages.get(name) or distribution(name)).requires or ():
        wanted = Requirement(line)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        if wanted.name not in packages:
            try:
                packages[wanted.name] = distribution(wanted.name)
            except PackageNotFoundError:
                packages[wanted.name] = None
                continue
            needed(wanted.name, frozenset(wanted.extras), packages)
    return packages


def licence(metadata) -> str:
    """The licence that a package tells: as an expression, by classifiers, or the first line of its text."""
    expression = metadata.get("License-Expression")
    classes = [
        c.rpartition(" :: ")[2]
        for c in metadata.get_all("Classifier") or ()
        if c.startswith("License :: ") and c.count("::") > 1
    ]
    text = (metadata.get("License") or "").strip().partition("\n")[0]
    return expression or ", ".join(classes) or text or "not told"


def row(name: str, package: Distribution | None) -> str:
    if package is None:
        return f"| {name} | not installed here | |"
    return f"| {package.metadata['Name']} | {licence(package.metadata)} | {'yes' if name in DIRECT else ''} |"


DIRECT = {Requirement(line).name for line in distribution("cbench").requires or ()}

if __name__ == "__main__":
    rows = {name.lower().replace("_", "-"): row(name, package) for name, package in needed(*ROOT, {}).items()}
    print(
        "\n".join(
            [HEAD, "| package | licence | direct |", "|---|---|---|", *(rows[name] for name in sorted(rows))]
        )
    )
