"""The chain of entries: nothing forged, replayed, reordered, late or told in two ways gets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sluis_protocol import chain
from sluis_protocol.chain import NO_HEAD, apply, open_letter, open_move, open_step
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    Anomaly,
    BadSignature,
    HandshakeError,
    LegalGroundMissing,
    MalformedMessage,
    NotAMember,
    Replayed,
    SluisError,
    WrongCovenant,
    WrongSender,
)
from sluis_protocol.handshake import Act, Active, Agreed, Closed, Deciding, Drafting, Lapsed, Withdrawn
from sluis_protocol.messages import Entry, Move, Opening
from sluis_protocol.signed import Kind, SignedMessage

from ..world import COORDINATOR, PURPOSE
from .talks import SEALED, A, B, C, Talks

DAY = timedelta(days=1)


@pytest.fixture
def talks() -> Talks:
    return Talks()


def refused(talks: Talks, entry: SignedMessage, match: str | None, kind: type[SluisError] = Anomaly) -> None:
    """A node refuses this entry, and stays where it was."""
    before = talks.handshake
    with pytest.raises(kind, match=match):
        talks.apply(entry)
    assert talks.handshake == before


def test_from_an_opening_to_an_active_approach_and_its_end(talks: Talks) -> None:
    step = talks.open()
    assert step.handshake.state == Deciding(talks.at + 14 * DAY)
    assert (step.entry.opening, step.moves, step.is_lapse) == (Opening(PURPOSE, (A, B)), (), False)
    talks.at += DAY
    step = talks.go(talks.move(A, Act.ACCEPT), talks.move(B, Act.ACCEPT))
    assert step.handshake.state == Agreed(talks.at + 30 * DAY)
    assert [made.envelope.sender for made in step.moves] == [A, B]
    step = talks.go(talks.move(B, Act.PROPOSE))
    assert isinstance(step.handshake.state, Drafting)
    talks.go(talks.move(A, Act.AMEND))
    talks.go(talks.move(B, Act.SIGN))
    assert isinstance(talks.go(talks.move(A, Act.SIGN)).handshake.state, Active)
    assert talks.go(talks.move(A, Act.CLOSE)).handshake.state == Closed(talks.now.side(A))
    assert talks.now.sequence == 6
    refused(talks, talks.entry([talks.move(A, Act.WITHDRAW)]), "what can't be: there is nothing to withdraw")


def test_sides(talks: Talks) -> None:
    talks.open()
    assert (talks.now.side(A), talks.now.side(B)) == ("a", "b")
    assert (talks.now.counterpart(A), talks.now.counterpart(B)) == (B, A)
    with pytest.raises(NotAMember, match="no part"):
        talks.now.counterpart(C)


def test_lapses(talks: Talks) -> None:
    talks.open()
    refused(talks, talks.entry(), "has not passed yet")
    talks.at += 14 * DAY
    step = talks.go()
    assert (step.handshake.state, step.is_lapse) == (Lapsed(), True)

    other = Talks(talks.world)
    other.activate()
    refused(other, other.entry(), "has not passed yet")
    other.at += 100 * DAY
    assert other.go().handshake.state == Closed(None)


def test_a_lapse_is_not_believed_before_the_deadline_by_ones_own_clock(talks: Talks) -> None:
    """The coordinator can date an entry as it likes; a node that has the right time doesn't follow."""
    talks.open()
    early = talks.at
    talks.at += 14 * DAY
    lapse = talks.entry()
    talks.at = early + 13 * DAY
    refused(talks, lapse, "dated in the future")
    talks.at = early + 14 * DAY - timedelta(seconds=299)  # the covenant's tolerance
    talks.apply(lapse)


def test_nobody_learns_of_a_yes_alone(talks: Talks) -> None:
    """Whoever has accepted is told only when both have (rule 12)."""
    talks.open()
    for moves in (
        [talks.move(A, Act.ACCEPT)],
        [talks.move(B, Act.ACCEPT)],
        [talks.move(A, Act.ACCEPT), talks.move(A, Act.WITHDRAW)],
    ):
        refused(talks, talks.entry(moves), "the first (one|step)")
    refused(talks, talks.entry([talks.move(A, Act.ACCEPT), talks.move(A, Act.ACCEPT)]), "accepted already")
    refused(talks, talks.entry([talks.move(A, Act.WITHDRAW)]), "no yes to take back")


def test_one_move_a_step(talks: Talks) -> None:
    talks.draft()
    refused(talks, talks.entry([talks.move(A, Act.SIGN), talks.move(B, Act.SIGN)]), "one move")


def test_forged_entries(talks: Talks) -> None:
    talks.open()
    moves = [talks.move(A, Act.ACCEPT), talks.move(B, Act.ACCEPT)]
    content = Entry(talks.id, 1, talks.now.head, moves=tuple(moves))
    refused(talks, talks.sign(Kind.ENTRY, content, A), "only the coordinator", NotAMember)
    refused(talks, talks.sign(Kind.ENTRY, content, COORDINATOR, key=A), "does not verify", BadSignature)
    refused(talks, talks.sign(Kind.MOVE, content, A), "expected a handshake entry", MalformedMessage)
    true = talks.entry(moves)
    flipped = SignedMessage(true.body[:-1] + bytes([true.body[-1] ^ 1]), true.signature)
    refused(talks, flipped, None, SluisError)
    refused(talks, talks.sign(Kind.ENTRY, content, COORDINATOR, name="0" * 32), "two handshakes")
    refused(talks, talks.sign(Kind.ENTRY, content, COORDINATOR, covenant_hash=bytes(32)), "unknown", WrongCovenant)
    talks.apply(true)


def test_forged_moves(talks: Talks) -> None:
    """What the other side did not sign, the coordinator can't bring in."""
    talks.agree()
    forged: list[tuple[SignedMessage, type[SluisError], str]] = [
        (talks.move(B, Act.WITHDRAW, key=COORDINATOR), BadSignature, "does not verify"),
        (talks.move(B, Act.WITHDRAW, key=A), BadSignature, "does not verify"),
        (talks.move(C, Act.WITHDRAW), NotAMember, "no part"),
        (talks.sign(Kind.LETTER, talks_move(talks), B), MalformedMessage, "expected a handshake move"),
        (talks.sign(Kind.MOVE, talks_move(talks), B, name="0" * 32), Replayed, "another round"),
        (talks.move(B, Act.WITHDRAW, handshake_id=bytes(16)), MalformedMessage, "two handshakes"),
        (talks.move(B, Act.WITHDRAW, follows=bytes(32)), Anomaly, "two histories"),
        (talks.move(B, Act.WITHDRAW, at=talks.at + timedelta(seconds=301)), Anomaly, "dated after the entry"),
    ]
    for move, kind, match in forged:
        refused(talks, talks.entry([move]), match, kind)
    altered = talks.move(B, Act.WITHDRAW)
    flipped = SignedMessage(altered.body[:-1] + b"\x00", altered.signature)
    refused(talks, talks.entry([flipped]), None, SluisError)
    assert talks.go(talks.move(B, Act.WITHDRAW)).handshake.state == Withdrawn(talks.now.side(B))


def talks_move(talks: Talks) -> object:
    return Move(talks.id, Act.WITHDRAW, talks.now.head, sealed=SEALED)


def test_replayed_and_reordered_entries(talks: Talks) -> None:
    talks.draft()
    later = Talks(talks.world, talks.id, talks.at, list(talks.entries), talks.handshake)
    later.go(later.move(A, Act.SIGN))
    later.go(later.move(B, Act.SIGN))
    refused(talks, later.entries[-1], "missing before this one")
    for old in talks.entries[1:]:
        refused(talks, old, "in two ways")
    refused(talks, talks.entries[0], "in two ways")
    for entry in later.entries[-2:]:
        talks.apply(entry)
    assert talks.now == later.now


def test_replayed_moves(talks: Talks) -> None:
    """A move names the entry that it follows, so it counts once, there, and in no other handshake."""
    talks.draft()
    signing = talks.move(A, Act.SIGN)
    talks.go(signing)
    talks.go(talks.move(B, Act.AMEND))
    refused(talks, talks.entry([signing]), "two histories")
    other = Talks(talks.world)
    other.draft()
    refused(other, other.entry([signing]), "another round", Replayed)


def test_two_histories_are_found_with_the_next_move(talks: Talks) -> None:
    """A coordinator tells A that B proposed, and B that A did: whoever moves next makes it plain."""
    talks.agree()
    told_b = Talks(talks.world, talks.id, talks.at, list(talks.entries), talks.handshake)
    talks.go(talks.move(B, Act.PROPOSE))
    told_b.go(told_b.move(A, Act.PROPOSE))
    refused(talks, talks.entry([told_b.move(B, Act.AMEND)]), "two histories")
    refused(told_b, talks.entries[-1], "in two ways")
    talks.at = told_b.at = talks.at + 30 * DAY
    refused(told_b, talks.entry(), "in two ways")  # a step without moves doesn't join the two histories either


def test_openings(talks: Talks) -> None:
    opening = Opening(PURPOSE, (A, B))
    begun = talks.sign(Kind.ENTRY, Entry(talks.id, 0, NO_HEAD, opening), COORDINATOR)
    later = talks.sign(Kind.ENTRY, Entry(talks.id, 1, NO_HEAD), COORDINATOR)
    with pytest.raises(Anomaly, match="without an opening"):
        open_step(later, None, talks.covenant_of, now=talks.at)
    talks.apply(begun)
    refused(talks, talks.sign(Kind.ENTRY, Entry(talks.id, 0, NO_HEAD, opening), COORDINATOR), "in two ways")
    for wrong in (
        Entry(talks.id, 1, talks.now.head, opening),
        Entry(talks.id, 0, NO_HEAD),
        Entry(talks.id, 0, bytes([1]) * 32, opening),
        Entry(talks.id, 0, NO_HEAD, opening, (talks.move(A, Act.ACCEPT),)),
    ):
        refused(talks, talks.sign(Kind.ENTRY, wrong, COORDINATOR), "one opening", MalformedMessage)
    swapped = Entry(talks.id, 0, NO_HEAD, Opening(PURPOSE, (B, A)))
    refused(talks, talks.sign(Kind.ENTRY, swapped, COORDINATOR), "lower OIN", MalformedMessage)
    other = Talks(talks.world)
    other.open()
    refused(talks, other.entry(), "of another handshake")


def test_time_runs_one_way(talks: Talks) -> None:
    talks.agree()
    talks.at -= timedelta(milliseconds=1)
    refused(talks, talks.entry([talks.move(A, Act.PROPOSE)]), "before the one before")


def test_late_moves(talks: Talks) -> None:
    """Who accepts after the deadline is late, and a coordinator that dates it back is not believed."""
    talks.open()
    opened = talks.at
    talks.at += 15 * DAY
    moves = [talks.move(A, Act.ACCEPT), talks.move(B, Act.ACCEPT)]
    refused(talks, talks.entry(moves), "deadline .* has passed")
    content = Entry(talks.id, 1, talks.now.head, moves=tuple(moves))
    refused(talks, talks.sign(Kind.ENTRY, content, COORDINATOR, at=opened + DAY), "dated after the entry")


def ended(terms_change: Callable[[Covenant], dict[str, object]], talks: Talks) -> Callable[[bytes], Covenant]:
    """The covenant with changed terms, under the hash of the true one, as if it had always said that."""
    covenant = talks.world.covenant
    changed = replace(covenant, terms=covenant.terms.model_copy(update=terms_change(covenant)))
    return lambda covenant_hash: changed


def test_no_ground_no_way_to_an_approach(talks: Talks) -> None:
    """Past its legal basis a purpose leads to no approach, and one that is on can still be ended (rule 20)."""
    talks.draft()

    def past(covenant: Covenant) -> dict[str, object]:
        [purpose] = covenant.terms.purposes
        return {"purposes": (purpose.model_copy(update={"valid_until": purpose.valid_from}),)}

    def revoked(covenant: Covenant) -> dict[str, object]:
        members = [one.model_copy(update={"revoked": one.oin == B}) for one in covenant.terms.members]
        return {"members": tuple(members)}

    sign, withdraw = talks.entry([talks.move(A, Act.SIGN)]), talks.entry([talks.move(A, Act.WITHDRAW)])
    for change, why in ((past, "legal basis"), (revoked, "revoked")):
        covenant_of = ended(change, talks)
        with pytest.raises(Anomaly, match=f"what can't be: .*{why}"):
            open_step(sign, talks.now, covenant_of, now=talks.at)
        assert isinstance(open_step(withdraw, talks.now, covenant_of, now=talks.at).handshake.state, Withdrawn)
    with pytest.raises(LegalGroundMissing):
        chain.require_ground(talks.now, ended(past, talks)(b""), Act.ACCEPT, talks.at)


def test_moves_and_letters_of_the_right_caller_only(talks: Talks) -> None:
    talks.agree()
    covenant, name = talks.world.covenant, talks.now.name
    move, letter = talks.move(A, Act.PROPOSE), talks.letter(A, 1)
    assert open_move(move, covenant, handshake=name, now=None, caller=A).move.act is Act.PROPOSE
    assert open_letter(letter, covenant, handshake=name, now=None, caller=A).number == 1
    with pytest.raises(WrongSender):
        open_move(move, covenant, handshake=name, now=None, caller=B)
    with pytest.raises(WrongSender):
        open_letter(letter, covenant, handshake=name, now=None, caller=B)
    with pytest.raises(MalformedMessage, match="expected a handshake move"):
        open_move(letter, covenant, handshake=name, now=None)
    with pytest.raises(MalformedMessage, match="two handshakes"):
        open_letter(talks.letter(A, 1, handshake_id=bytes(16)), covenant, handshake=name, now=None)
    with pytest.raises(Replayed):
        open_letter(letter, covenant, handshake="0" * 32, now=None)


def test_a_lapse_is_nobodys_move(talks: Talks) -> None:
    talks.open()
    with pytest.raises(MalformedMessage, match="nobody moves by lapse"):
        chain.event_of(Move(talks.id, Act.LAPSE, NO_HEAD), talks.now.side(A))
    with pytest.raises(MalformedMessage, match="a draft has an end"):
        chain.event_of(Move(talks.id, Act.PROPOSE, NO_HEAD), talks.now.side(A))
    with pytest.raises(HandshakeError):
        apply(talks.now, (), talks.at, talks.world.covenant.terms.handshake)
