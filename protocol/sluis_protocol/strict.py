"""The base of all models that travel as JSON, and fields that hold base64. No I/O."""

from __future__ import annotations

import base64
import binascii

from pydantic import AfterValidator, BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen, and refuses what it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def base64_of(size: int, most: int = 0) -> AfterValidator:
    """Canonical base64 of exactly `size` bytes; with `most`, of `size` to `most`."""

    def check(text: str) -> str:
        try:
            raw = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
        if not size <= len(raw) <= (most or size):
            raise ValueError(f"has {len(raw)} bytes instead of {size}" + (f" to {most}" if most else ""))
        if base64.b64encode(raw).decode() != text:
            raise ValueError("not the canonical base64 of its bytes")
        return text

    return AfterValidator(check)
