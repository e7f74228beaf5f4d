"""What node.toml says of the processing log: `[processing]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sluis_runtime.config import FilePath, Section


class ProcessingSettings(Section):
    """`[processing]`: the file that the log is copied to, and the register of processing activities."""

    file: FilePath | None = None
    register: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
