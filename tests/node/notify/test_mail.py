"""Notices by mail, to a real SMTP server: nothing personal in them, TLS and a login where they are asked for."""

from __future__ import annotations

import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sluis_node.notify import Audience, DeliveryState, Notice, NoticeKind, NotifySettings
from sluis_node.notify.texts import SUBJECTS

from ...pki import Pki
from .rig import Mailbox, Office, mail_server, only_with, plain

MATCH = Notice(NoticeKind.MATCH_FOUND, about="0123456789abcdef")


def settings(port: int, **mail: Any) -> NotifySettings:
    to = {"coordinators": ["team@example.org", "team2@example.org"], "platform": ["platform@example.org"]}
    content = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "sluis@example.org", "to": to} | mail
    return NotifySettings.model_validate({"console": "https://console.example.org/", "mail": content})


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_notice_says_that_there_is_something_and_no_more(tmp_path: Path) -> None:
    """Rule 17: no name, no municipality, no case, no id of a match in a mail."""
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        office = Office(tmp_path, settings(server.port))
        office.tell(MATCH)
        assert (await office.sender.send_due()).delivered == 1
        assert (await office.sender.send_due()).delivered == 0
    ((to, content),) = mailbox.received
    assert to == ["team@example.org", "team2@example.org"]
    message = parsed(content)
    assert message["Subject"] == "Sluis: Er is een nieuwe match"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "https://console.example.org/inbox" in plain(message)
    assert b"0123456789abcdef" not in content
    assert office.outbox.counts() == {DeliveryState.DELIVERED: 1}


async def test_every_kind_has_its_words_in_both_languages(tmp_path: Path) -> None:
    assert set(SUBJECTS) == set(NoticeKind)
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        found = settings(server.port).model_copy(update={"language": "en"})
        everybody = {str(audience): ["t@example.org"] for audience in Audience}
        assert found.mail
        found = found.model_copy(
            update={"mail": found.mail.model_validate(found.mail.model_dump() | {"to": everybody})}
        )
        office = Office(tmp_path, found)
        for kind in NoticeKind:
            office.tell(Notice(kind, about="a", text="Who leads?" if kind.page is None else ""))
        assert (await office.sender.send_due()).delivered == len(NoticeKind)
    messages = [parsed(content) for _, content in mailbox.received]
    assert len({message["Subject"] for message in messages}) == len(NoticeKind)
    assert len({message["Message-ID"] for message in messages}) == len(NoticeKind)
    assert all(SUBJECTS[kind]["nl"] != SUBJECTS[kind]["en"] for kind in NoticeKind)


async def test_a_dilemma_carries_its_question_and_no_link(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        office = Office(tmp_path, settings(server.port))
        office.tell(
            Notice(NoticeKind.DILEMMA, about="d", text="Wie heeft de regie?\nWij komen er niet uit: één of twee?")
        )
        await office.sender.send_due()
    ((to, content),) = mailbox.received
    assert to == ["platform@example.org"]
    text = plain(parsed(content))
    assert "één of twee?" in text
    assert "console.example.org" not in text


async def test_a_server_that_is_away_gets_it_later_and_the_same(tmp_path: Path) -> None:
    mailbox = Mailbox(answer="451 try later")
    with mail_server(mailbox) as server:
        office = Office(tmp_path, settings(server.port))
        office.tell(MATCH)
        assert (await office.sender.send_due()).waiting == 1
        (waiting,) = office.outbox.all()
        assert waiting.failure == "the mail server refused (451)"
        mailbox.answer = "250 OK"
        assert (await office.sender.send_due()).delivered == 0
        office.later(minutes=2)
        assert (await office.sender.send_due()).delivered == 1
    assert parsed(mailbox.received[0][1])["Message-ID"].startswith(f"<{waiting.notice_id}.")


async def test_a_server_that_is_not_there_is_no_error_of_ours(tmp_path: Path) -> None:
    with mail_server(Mailbox()) as server:
        port = server.port
    office = Office(tmp_path, settings(port))
    office.tell(MATCH)
    assert (await office.sender.send_due()).waiting == 1
    assert office.outbox.all()[0].failure == "the mail server can't be reached (ConnectionRefusedError)"


@pytest.mark.parametrize(
    ("refused", "state", "what"),
    [
        ({"team@example.org"}, DeliveryState.WAITING, "refused 1 of the mailboxes"),
        ({"team@example.org", "team2@example.org"}, DeliveryState.DEAD, "refused all mailboxes"),
    ],
)
async def test_mailboxes_that_do_not_exist(tmp_path: Path, refused: set[str], state: DeliveryState, what: str) -> None:
    with mail_server(Mailbox(refused=refused)) as server:
        office = Office(tmp_path, settings(server.port))
        office.tell(MATCH)
        await office.sender.send_due()
    (found,) = office.outbox.all()
    assert found.state is state
    assert what in found.failure
    assert "@" not in found.failure  # an address would end up in logs


async def test_a_correction_in_the_configuration_heals_a_dead_letter(tmp_path: Path) -> None:
    mailbox = Mailbox(refused={"team@example.org"})
    with mail_server(mailbox) as server:
        office = Office(tmp_path, settings(server.port, to={"coordinators": ["team@example.org"]}))
        office.tell(MATCH)
        assert (await office.sender.send_due()).dead == 1
        (dead,) = office.outbox.all()
        office.outbox.retry(dead.id, office.now)
        better = office.with_settings(settings(server.port, to={"coordinators": ["right@example.org"]}))
        assert (await better.send_due()).delivered == 1
    assert mailbox.received[0][0] == ["right@example.org"]


async def test_with_tls_and_a_login(tmp_path: Path) -> None:
    """The certificate must be the server's; a password is sent under TLS only."""
    tls = Pki().issue("00000099000000009001", tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    password = tmp_path / "password"
    password.write_text("right\n")
    mailbox = Mailbox()
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with mail_server(mailbox, authenticator=only_with("sluis", "right"), **options) as server:
        login = {"security": "starttls", "user": "sluis", "password": password, "host": "localhost"}
        office = Office(tmp_path, settings(server.port, **login, authorities=tls.authorities))
        office.tell(MATCH)
        assert (await office.with_settings(settings(server.port, **login)).send_due()).waiting == 1
        assert office.outbox.all()[0].failure == "the mail server's certificate doesn't verify"
        office.later(minutes=2)
        assert (await office.sender.send_due()).delivered == 1
        password.write_text("wrong\n")
        office.tell(Notice(NoticeKind.AGREED, about="x"))
        assert (await office.sender.send_due()).waiting == 1  # somebody will correct it
        assert office.outbox.all()[0].failure == "the mail server refused the login (535)"
    assert len(mailbox.received) == 1


async def test_a_server_without_tls_gets_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        office = Office(tmp_path, settings(server.port, security="starttls"))
        office.tell(MATCH)
        assert (await office.sender.send_due()).waiting == 1
    assert not mailbox.received
    assert office.outbox.all()[0].failure == "the mail server offers no TLS, or no login"
