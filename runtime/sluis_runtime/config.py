"""Configuration: a strict TOML file, whose relative paths start at the file itself.

Unknown settings are refused, and every error names the file and the setting. An environment variable wins over the
file: `SLUIS_` and the setting's name in capitals, with `__` between parts (`SLUIS_TLS__CERTIFICATE`).
"""

from __future__ import annotations

import tomllib
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sluis_protocol.errors import ConfigError
from sluis_protocol.note import Verifier

# Where the file that is being read stands; validators know nothing else of it.
_folder: ContextVar[Path] = ContextVar("folder", default=Path())


def _beside_the_file(value: object) -> object:
    return _folder.get() / Path(value).expanduser() if isinstance(value, str) else value


FilePath = Annotated[Path, BeforeValidator(_beside_the_file)]


class Section(BaseModel):
    """A table of a configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tls(Section):
    """Mutual TLS: who we are, and who vouches for the others."""

    certificate: FilePath
    key: FilePath
    authorities: FilePath

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Authorities, key and certificate chain as PEM, in the order gRPC takes them."""
        content = []
        for name in ("authorities", "key", "certificate"):
            path: Path = getattr(self, name)
            try:
                content.append(path.read_bytes())
            except OSError as error:
                raise ConfigError(
                    f"the file can't be read: {error.strerror}", do="check the path", file=path, setting=f"tls.{name}"
                ) from error
        return content[0], content[1], content[2]


class Settings(BaseSettings):
    """The base of a program's configuration."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="SLUIS_", env_nested_delimiter="__", hide_input_in_errors=True
    )

    log: Annotated[str, Field(pattern="^(text|json)$")] = "text"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic-settings passes all sources by name)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a configuration file; raise ConfigError naming each setting that is wrong."""
        try:
            with path.open("rb") as file:
                content: dict[str, Any] = tomllib.load(file)
        except OSError as error:
            raise ConfigError(
                f"the configuration can't be read: {error.strerror}", do="give its path with --config", file=path
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the configuration is not TOML: {error}", file=path) from error
        token = _folder.set(path.parent.absolute())
        try:
            return cls(**content)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
            raise ConfigError(
                f"the configuration is wrong: {problems}", do="correct these settings", file=path
            ) from error
        finally:
            _folder.reset(token)


class PartySettings(Settings):
    """What the configuration of every party of a covenant has."""

    oin: Annotated[str, Field(pattern=r"^[0-9]{20}$")]
    authority: str
    covenant: FilePath
    signing_key: FilePath
    database: FilePath
    tls: Tls

    def verifier(self) -> Verifier:
        """The pinned key of the covenant authority; raise ConfigError if there is none yet."""
        if not self.authority:
            raise ConfigError(
                "no covenant authority is pinned",
                do="copy the line that `sluis-covenant verifier` prints into the configuration",
                setting="authority",
            )
        return Verifier.parse(self.authority)
