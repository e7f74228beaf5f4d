from pathlib import Path

import pytest
from sluis_protocol.errors import ConfigError
from sluis_runtime.config import FilePath, Settings, Tls


class Example(Settings):
    oin: str
    database: FilePath
    tls: Tls


GOOD = """
oin = "00000099000000001001"
database = "state/node.db"
[tls]
certificate = "tls/certificate.pem"
key = "/etc/sluis/key.pem"
authorities = "tls/authorities.pem"
"""


def write(folder: Path, content: str) -> Path:
    path = folder / "example.toml"
    path.write_text(content)
    return path


def test_relative_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path.parent)
    settings = Example.load(Path(tmp_path.name) / "example.toml")
    assert settings.database == tmp_path / "state/node.db"
    assert settings.tls.certificate == tmp_path / "tls/certificate.pem"
    assert settings.tls.key == Path("/etc/sluis/key.pem")


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUIS_OIN", "00000099000000001002")
    monkeypatch.setenv("SLUIS_TLS__KEY", "other.pem")
    settings = Example.load(write(tmp_path, GOOD))
    assert settings.oin == "00000099000000001002"
    assert settings.tls.key == tmp_path / "other.pem"
    assert settings.tls.certificate == tmp_path / "tls/certificate.pem"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("database", "databse"), "databse"),
        (('oin = "00000099000000001001"', ""), "oin"),
        (("certificate =", "certificat ="), "tls.certificate"),
        (("[tls]", "[tls"), "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], names: str) -> None:
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(ConfigError, match=names) as refused:
        Example.load(path)
    assert refused.value.where["file"] == str(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Example.load(tmp_path / "absent.toml")


def test_an_absent_certificate_is_named(tmp_path: Path) -> None:
    settings = Example.load(write(tmp_path, GOOD))
    with pytest.raises(ConfigError) as refused:
        settings.tls.read()
    assert refused.value.where["setting"] == "tls.authorities"
