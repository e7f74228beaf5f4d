"""What node.toml says of the processing log: `[processing]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sluis_runtime.config import FilePath, Section


class ProcessingSettings(Section):
    """`[processing]`: the file that the log is copied to, and where the activities are described: the
    register of processing activities, under the address of which each has its name."""

    file: FilePath | None = None
    activities: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
