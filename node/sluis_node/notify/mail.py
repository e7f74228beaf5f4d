"""Notices as e-mail (RFC 5322, over SMTP) to the shared mailboxes of an audience, with TLS unless it stays local.

One message for all mailboxes of an audience; a part of them that is refused makes the delivery fail, and it comes
again to all: twice is better than never. Blocks: call it in a thread.
"""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from sluis_runtime.files import read_text

from .attempt import Failed
from .notice import Audience
from .outbox import NOBODY, Delivery
from .settings import MailSettings, NotifySettings
from .texts import body, subject

TIMEOUT_SECONDS = 20.0


def compose(delivery: Delivery, settings: NotifySettings, mail: MailSettings) -> EmailMessage:
    """The message: the same bytes in every attempt."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to[Audience(delivery.target)])
    message["Subject"] = subject(delivery.kind, settings.language)
    message["Date"] = format_datetime(delivery.at)
    message["Message-ID"] = f"<{delivery.notice_id}.{delivery.id}@{mail.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message["Content-Language"] = settings.language
    link = settings.link(delivery.kind.page)
    message.set_content(body(delivery.kind, settings.language, link=link, question=delivery.text))
    return message


def send(delivery: Delivery, settings: NotifySettings, *, timeout: float = TIMEOUT_SECONDS) -> None:
    """Hand it to the mail server; raise Failed saying whether trying again can help."""
    mail = settings.mail
    if mail is None or not mail.to.get(Audience(delivery.target)):
        raise Failed(NOBODY, final=True)
    message = compose(delivery, settings, mail)
    password = read_text(mail.password, most=4_096, what="the mail password").strip() if mail.password else ""
    try:
        with _connect(mail, timeout) as server:
            if mail.user:
                server.login(mail.user, password)
            refused = server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise Failed(
            f"the mail server refused all mailboxes ({codes[0]})", final=all(code >= 500 for code in codes)
        ) from error
    except smtplib.SMTPAuthenticationError as error:  # somebody will correct it
        raise Failed(f"the mail server refused the login ({error.smtp_code})", final=False) from error
    except smtplib.SMTPResponseException as error:
        # What the server says may quote an address: its code is enough.
        raise Failed(f"the mail server refused ({error.smtp_code})", final=error.smtp_code >= 500) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Failed("the mail server offers no TLS, or no login", final=False) from error
    except ssl.SSLCertVerificationError as error:
        raise Failed("the mail server's certificate doesn't verify", final=False) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Failed(f"the mail server can't be reached ({type(error).__name__})", final=False) from error
    if refused:
        raise Failed(f"the mail server refused {len(refused)} of the mailboxes", final=False, pause=timedelta(hours=1))


def _connect(mail: MailSettings, timeout: float) -> smtplib.SMTP:
    if mail.security == "none":
        return smtplib.SMTP(mail.host, mail.port, timeout=timeout)
    context = ssl.create_default_context(cafile=str(mail.authorities) if mail.authorities else None)
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=timeout, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=timeout)
    try:
        server.starttls(context=context)
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server
