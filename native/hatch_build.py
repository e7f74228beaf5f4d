"""hatchling's build hook: compile the extension module where a compiler and Python's headers are, go on where not.

An editable install puts it beside the sources of the package, a wheel carries it. Without it, Sluis computes with
libsodium, and `sluis-node doctor` says so.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own configuration has no public type
    """Adds sluis_protocol/_native to what is installed, if it can be built."""

    PLUGIN_NAME = "custom"
    _left: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel ("standard") or an editable install ("editable") is put together."""
        if self.target_name != "wheel":
            return
        sys.path.insert(0, self.root)
        from native import build

        editable = version == "editable"
        into = build.PACKAGE if editable else Path(tempfile.mkdtemp(prefix="sluis-native-"))
        try:
            made = build.build(into)
        except build.CantBuild as error:
            if editable:
                (into / build.NAME).unlink(missing_ok=True)  # one of before, made from other sources
            else:
                into.rmdir()
            self.app.display_warning(f"The native group backend is left out: {error}")
            return
        if not editable:
            self._left = into
            build_data["force_include"][str(made)] = f"sluis_protocol/{made.name}"
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-linux_{platform.machine()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - its form
        """Called when the wheel is there."""
        if self._left is not None:
            shutil.rmtree(self._left)
