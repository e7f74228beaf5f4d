"""The words of a notice, in Dutch and English: the same for everybody, so that nothing personal can get in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .notice import NoticeKind

Language = Literal["nl", "en"]

SUBJECTS: Mapping[NoticeKind, Mapping[Language, str]] = {
    NoticeKind.MATCH_FOUND: {"nl": "Er is een nieuwe match", "en": "There is a new match"},
    NoticeKind.REVIEW_NEEDED: {"nl": "Een tweede beoordeling is nodig", "en": "A second review is needed"},
    NoticeKind.REVIEWS_DIFFER: {"nl": "Twee beoordelingen verschillen", "en": "Two reviews differ"},
    NoticeKind.DECISION_DUE: {"nl": "Een besluit is bijna te laat", "en": "A decision is almost due"},
    NoticeKind.AGREED: {"nl": "Beide gemeenten willen samenwerken", "en": "Both municipalities want to work together"},
    NoticeKind.NO_JOINT_APPROACH: {"nl": "Er komt geen gezamenlijke aanpak", "en": "There will be no joint approach"},
    NoticeKind.CARD_RECEIVED: {"nl": "Er zijn contactgegevens ontvangen", "en": "Contact details have arrived"},
    NoticeKind.SIGNATURE_NEEDED: {"nl": "Een aanpak wacht op uw oordeel", "en": "An approach waits for your judgement"},
    NoticeKind.DRAFT_DUE: {"nl": "Een voorstel is bijna te laat", "en": "A draft is almost due"},
    NoticeKind.ACTIVE: {"nl": "Een gezamenlijke aanpak is begonnen", "en": "A joint approach has begun"},
    NoticeKind.APPROACH_ENDS: {"nl": "Een gezamenlijke aanpak loopt af", "en": "A joint approach is about to end"},
    NoticeKind.CLOSED: {"nl": "Een gezamenlijke aanpak is afgesloten", "en": "A joint approach was closed"},
    NoticeKind.WITHDRAWN: {"nl": "Een gezamenlijke aanpak is ingetrokken", "en": "A joint approach was withdrawn"},
    NoticeKind.INFORMING_DUE: {"nl": "Het uitstel van informeren loopt af", "en": "A postponement of informing ends"},
    NoticeKind.RIGHT_USED: {"nl": "Een betrokkene heeft een recht gebruikt", "en": "A data subject used a right"},
    NoticeKind.TOTALS_WAIT: {
        "nl": "Cijfers voor het landelijk beeld wachten op uw akkoord",
        "en": "Figures for the national picture wait for your approval",
    },
    NoticeKind.ANOMALY: {"nl": "Er is iets gebeurd dat niet hoort", "en": "Something happened that should not"},
    NoticeKind.DILEMMA: {"nl": "Een dilemma voor het platform", "en": "A dilemma for the platform"},
    NoticeKind.DILEMMA_ESCALATED: {"nl": "Een dilemma voor het bestuur", "en": "A dilemma for the board"},
}
_LOOK: Mapping[Language, str] = {
    "nl": "In Sluis staat iets voor u klaar. Om wie of wat het gaat, staat alleen daar.",
    "en": "There is something for you in Sluis. Whom or what it is about stands only there.",
}
_QUESTION: Mapping[Language, str] = {
    "nl": "Twee gemeenten leggen u een vraag voor, zonder persoonsgegevens:",
    "en": "Two municipalities put a question to you, without personal data:",
}
_END: Mapping[Language, str] = {
    "nl": "Dit bericht is automatisch verstuurd en bevat geen persoonsgegevens.",
    "en": "This message was sent automatically and holds no personal data.",
}


def subject(kind: NoticeKind, language: Language) -> str:
    """The subject line."""
    return f"Sluis: {SUBJECTS[kind][language]}"


def body(kind: NoticeKind, language: Language, *, link: str, question: str) -> str:
    """The message; `question` is a dilemma's text, `link` leads to the console, and either may be empty."""
    parts = (
        [f"{_QUESTION[language]}\n\n{question.strip()}"]
        if question
        else [f"{SUBJECTS[kind][language]}. {_LOOK[language]}"]
    )
    return "\n\n".join([*parts, *([link] if link else []), f"-- \n{_END[language]}"]) + "\n"
