"""What setup.cfg says is packed is what there is."""

from __future__ import annotations

from configparser import ConfigParser
from fnmatch import fnmatch

from tests.support.paths import ROOT


def config() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_is_listed() -> None:
    options = config()["options"]
    moved = dict(line.split(" = ") for line in options["package_dir"].split("\n") if line)
    listed = set(options["packages"].split()) - set(moved)
    folders = {path.parent for path in (ROOT / "racro_eval").rglob("*.py")}
    folders.remove(ROOT / "racro_eval" / "demo" / "train")  # made once, from a checkout
    assert listed == {".".join(folder.relative_to(ROOT).parts) for folder in folders}


def test_every_data_file_of_a_package_is_listed() -> None:
    patterns = config()["options.package_data"]
    for path in (ROOT / "racro_eval").rglob("*.yaml"):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        wanted = [one.strip() for one in patterns.get(package, "").split(",")]
        assert any(fnmatch(path.name, one) for one in wanted), path
