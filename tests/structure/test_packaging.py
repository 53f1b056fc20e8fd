"""The facts that an installation and the README rest on."""

import importlib.util
import re
import tomllib
from types import ModuleType
from typing import Any

import pytest
from source_tree import PACKAGES, ROOT, package_sources

import eager
import graphcore.version


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def readme_command() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_command", ROOT / ".ci" / "readme_command.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_has_the_two_commands(readme_command: ModuleType) -> None:
    commands = readme_command.commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(commands) == {"demo", "test"}
    assert commands["demo"].endswith("layerjit demo")
    assert " -m pytest " in commands["test"]
    assert all("pip install" in command for command in commands.values())


def test_a_missing_or_doubled_command_is_reported(
    readme_command: ModuleType, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    block = "<!-- command: demo -->\n```sh\ntrue\n```\n"
    path = tmp_path / "README.md"
    path.write_text(block, encoding="utf-8")
    assert readme_command.main([str(path), "demo"]) == 0
    assert capsys.readouterr().out == "true\n"
    assert readme_command.main([str(path), "test"]) == 1
    assert "'test'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="marked twice"):
        readme_command.commands(block + block)


def test_dependencies_are_the_three(project: dict[str, Any]) -> None:
    names = {re.split(r"[<>=!~\[]", text)[0] for text in project["dependencies"]}
    assert names == {"numpy", "networkx", "llvmlite"}
    assert {"test", "bf16", "h5", "viz", "special", "peers", "all"} <= set(project["optional-dependencies"])


def test_entry_point_exists(project: dict[str, Any]) -> None:
    assert project["scripts"] == {"layerjit": "eager.cli:main"}
    from eager import cli

    assert callable(cli.main)


def test_version_is_written_once(project: dict[str, Any]) -> None:
    assert "version" in project["dynamic"]
    assert "version" not in project
    written = [
        source.path for source in package_sources() if re.search(r"__version__\s*=\s*[\"']", source.text)
    ]
    assert written == ["graphcore/version.py"]
    assert eager.__version__ == graphcore.version.__version__


def test_packages_are_typed_and_complete() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()
    folders = {(ROOT / source.path).parent for source in package_sources()}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_licences_are_there(project: dict[str, Any]) -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for name in project["license-files"]:
        assert (ROOT / name).is_file()
    assert "CC BY 4.0" in (ROOT / "eager/keras/datasets/NOTICE.txt").read_text(encoding="utf-8")
