"""Building the extension module: what is missing is named, an install goes on without it, and nothing is left."""

from __future__ import annotations

import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata

from native import build
from native.hatch_build import NativeHook
from tests.shared import ROOT


class _Install:
    """As much of hatchling's application as the hook uses."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def display_warning(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def install() -> _Install:
    return _Install()


@pytest.fixture
def build_data() -> dict[str, Any]:
    return {"force_include": {}, "pure_python": True}


def hook(install: _Install, target: str = "wheel") -> NativeHook:
    metadata: Any = ProjectMetadata(str(ROOT), None)
    app: Any = install
    return NativeHook(str(ROOT), {}, {}, metadata, str(ROOT / "dist"), target, app)


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")


def test_a_missing_compiler_is_named(without_compiler: None, tmp_path: Path) -> None:
    with pytest.raises(build.CantBuild, match=r"no C compiler \(no-such-compiler\)"):
        build.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_headers_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "compiler", lambda: ["true"])
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(build.CantBuild, match="headers are not in"):
        build.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_refuses_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "compiler", lambda: ["sh", "-c", "echo wrong >&2; exit 1"])
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    (tmp_path / "Python.h").touch()
    with pytest.raises(build.CantBuild, match="does not compile:\nwrong"):
        build.build(tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_wheel_without_the_module_is_one_for_every_machine(
    without_compiler: None,
    install: _Install,
    build_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hook(install).initialize("standard", build_data)
    assert build_data == {"force_include": {}, "pure_python": True}
    assert "left out: there is no C compiler" in install.said[0]
    assert list(tmp_path.iterdir()) == []


def test_an_editable_install_without_a_compiler_keeps_no_older_module(
    without_compiler: None,
    install: _Install,
    build_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(build, "PACKAGE", tmp_path)
    (tmp_path / build.NAME).touch()
    hook(install).initialize("editable", build_data)
    assert len(install.said) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_with_the_module_says_for_which_machines(
    install: _Install, build_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def make(into: Path) -> Path:
        (into / build.NAME).touch()
        return into / build.NAME

    monkeypatch.setattr(build, "build", make)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = hook(install)
    made.initialize("standard", build_data)
    (source,) = build_data["force_include"]
    assert build_data["force_include"][source] == f"sluis_protocol/{build.NAME}"
    assert not build_data["pure_python"]
    assert build_data["tag"].startswith("cp311-abi3-linux_")
    made.finalize("standard", build_data, "")
    assert list(tmp_path.iterdir()) == []
    hook(install, "sdist").initialize("standard", build_data)
    assert install.said == []


def test_what_is_built_is_never_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"*{Path(build.NAME).suffix}" in ignored
