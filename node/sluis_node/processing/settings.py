"""What node.toml says of the processing log: `[processing]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sluis_runtime.config import FilePath, Section


class ProcessingSettings(Section):
    """`[processing]`: the file that the log is copied to; where the activities are described: the register of
    processing activities, under the address of which each has its name; and a collector that gets the log by OTLP over
    HTTP, with who vouches for it."""

    file: FilePath | None = None
    activities: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    otlp: Annotated[str, Field(pattern=r"^(https://\S+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/\S*)?)?$")] = ""
    otlp_authorities: FilePath | None = None
