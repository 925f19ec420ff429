"""Letters: emails to one reader, from a template in text and HTML, in the look of an organisation.

Send them after the commit. Links use the configured address, never the host name of a request. The log contains the
kind of letter and the type of error: no address, no link, no password.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.mime.image import MIMEImage
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from eclectyc.kernel.errors import EclectycError

ACCENT: Final = "#1f5f8b"  # of organisations without a colour of their own
PRODUCT: Final = "Eclectyc Energy"
log = logging.getLogger(__name__)


class NotSent(EclectycError):
    """The mail server did not accept a letter."""

    code = "not_sent"

    def __init__(self) -> None:
        super().__init__("The email could not be sent.", "Try again later, or ask the operator to check EMAIL_URL.")


@dataclass(frozen=True, slots=True)
class LetterLogo:
    """A picture at the top of a letter, attached to it so that nothing is fetched."""

    data: bytes = field(repr=False)
    type: str  # image/png or image/jpeg


@dataclass(frozen=True, slots=True)
class Letter:
    """An email to one reader. template : of ``mail/<template>.txt`` and ``.html``. facts : its variables."""

    to: str
    subject: str
    template: str
    facts: Mapping[str, object] = field(default_factory=dict, repr=False)
    brand: str = PRODUCT
    colour: str = ""
    ink: str = ""
    logo: LetterLogo | None = None
    message_id: str = ""  # set if a letter may be sent twice, so that mail programs show it once


def send(letter: Letter) -> None:
    """Send a letter now; raise ``NotSent`` if the server does not accept it."""
    message = compose(letter)
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        # Not the error's own text: a server's answer may quote the reader's address.
        log.warning("An email (%s) was not sent: %s", letter.template, type(error).__name__)
        raise NotSent from None


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Return a letter as an email of text, HTML and logo."""
    facts = dict(letter.facts) | {
        "brand": letter.brand,
        "product": PRODUCT,
        "colour": letter.colour or ACCENT,
        "ink": letter.ink or "#ffffff",
        "has_logo": letter.logo is not None,
        "address": settings.PUBLIC_ADDRESS,
    }
    subject = " ".join(strip_tags(letter.subject).split())[:200]  # one line, whatever the name of the organisation
    text = render_to_string(f"mail/{letter.template}.txt", facts)
    message = EmailMultiAlternatives(subject, text, _sender(letter.brand), [letter.to])
    message.attach_alternative(render_to_string(f"mail/{letter.template}.html", facts), "text/html")
    message.extra_headers["Auto-Submitted"] = "auto-generated"
    if letter.message_id:
        message.extra_headers["Message-ID"] = letter.message_id
    if letter.logo is not None:
        picture = MIMEImage(letter.logo.data, _subtype=letter.logo.type.partition("/")[2])
        picture.add_header("Content-ID", "<logo>")
        picture.add_header("Content-Disposition", "inline", filename=f"logo.{letter.logo.type.partition('/')[2]}")
        message.mixed_subtype = "related"  # type: ignore[attr-defined]
        message.attach(picture)
    return message


def link_to(path: str) -> str:
    """Return the full address of a page."""
    return f"{settings.PUBLIC_ADDRESS}{path}"


def _sender(brand: str) -> str:
    from email.utils import formataddr

    return formataddr((" ".join(brand.split()), settings.DEFAULT_FROM_EMAIL))
