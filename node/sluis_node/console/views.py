"""Turns what a page has to say into HTML: templates, static files, and what every page shows around its own part."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sluis_protocol.errors import ConfigError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .language import Language, load_languages
from .menu import ROLE_NAMES
from .people import Role
from .settings import ConsoleSettings
from .words import Words

_FOLDER = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
LANGUAGE_COOKIE = "taal"


class Static:
    """The static files, under addresses that change with their content."""

    def __init__(self, theme: Path | None) -> None:
        self._files: dict[str, tuple[str, bytes]] = {}
        self._names: dict[str, str] = {}
        for path in sorted((_FOLDER / "static").rglob("*")):
            if path.suffix in _TYPES:
                self._add(path.name, path.read_bytes())
        if theme is not None:
            try:
                self._add("theme.css", theme.read_bytes())
            except OSError as error:
                raise ConfigError(
                    f"the theme can't be read: {error.strerror}", do="check the path", setting="console.theme"
                ) from error

    def _add(self, name: str, content: bytes) -> None:
        stem, _, suffix = name.rpartition(".")
        address = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        kind = _TYPES.get(f".{suffix}") or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._files[address] = (kind, content)
        self._names[name] = f"/static/{address}"
        # Fonts are named in style sheets by their plain names.
        self._files.setdefault(name, (kind, content))

    def __call__(self, name: str) -> str:
        """The address of a file."""
        return self._names[name]

    def answer(self, request: Request) -> Response:
        """A file, or 404."""
        name = request.path_params["name"]
        found = self._files.get(name)
        if found is None:
            return Response(status_code=404)
        kind, content = found
        lasting = f"/static/{name}" in self._names.values()
        caching = "public, max-age=31536000, immutable" if lasting else "public, max-age=86400"
        return Response(content, media_type=kind, headers={"cache-control": caching})


class Views:
    """Renders templates in each language."""

    def __init__(self, settings: ConsoleSettings, around: Mapping[str, Any]) -> None:
        """`around`: what every template may name."""
        self.languages = load_languages()
        self.static = Static(settings.theme)
        self._environments: dict[str, Environment] = {}
        for code, language in self.languages.items():
            environment = Environment(
                loader=FileSystemLoader(_FOLDER / "templates"),
                autoescape=True,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
                extensions=["jinja2.ext.i18n"],
            )
            messages = language.messages
            environment.install_gettext_callables(messages.ugettext, messages.ungettext, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
            environment.globals.update(
                around,
                static=self.static,
                language=language,
                languages=self.languages,
                own_theme=settings.theme is not None,
                theme_class=settings.theme_class,
                roles=tuple(Role),
                words=Words(language),
                role_names={role: language.text(name) for role, name in ROLE_NAMES.items()},
            )
            environment.filters.update(
                date=language.day,
                short_date=language.short_day,
                time=language.time,
                short_time=language.short_time,
                number=language.number,
            )
            self._environments[code] = environment

    def language_of(self, request: Request) -> Language:
        """The language that the visitor chose, otherwise Dutch."""
        return self.languages.get(request.cookies.get(LANGUAGE_COOKIE, ""), next(iter(self.languages.values())))

    def render(
        self, language: Language, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        """A page."""
        body = self._environments[language.code].get_template(template).render(context)
        return HTMLResponse(body, status, headers={"content-language": language.code})
