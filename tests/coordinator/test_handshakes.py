"""From a match to a joint approach, over real gRPC: what both learn, what neither learns, and what is refused."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_coordinator import handshakes as service
from sluis_coordinator.bell import Bell
from sluis_coordinator.keeper import Keeper
from sluis_coordinator.schema import handshakes
from sluis_protocol import wire
from sluis_protocol.chain import Made, open_letter, open_move, open_step
from sluis_protocol.covenant import HandshakeTerms
from sluis_protocol.errors import (
    BadSignature,
    HandshakeError,
    LegalGroundMissing,
    MalformedMessage,
    NotAMember,
    Overtaken,
    Replayed,
    WrongClock,
    WrongCovenant,
    WrongSender,
)
from sluis_protocol.handshake import Act, Closed, Lapsed, Withdrawn
from sluis_protocol.messages import Entry, Letter, Move
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import select

from ..world import make_world, member_oin
from .rig import Rig, eventually, person
from .sides import DAY, SEALED, Side, open_talks
from .test_callers import changed

NO_SUCH = "no such handshake"


async def test_from_a_round_to_an_active_approach_and_its_end(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        shared = [os.urandom(16), os.urandom(16)]
        await one.submit([person(1, 11, [shared[0]]), person(2, 12, [shared[1]])])
        await two.submit([person(3, 21, [shared[0]]), person(4, 22, [shared[1]])])
        await rig.close_round()
        [first, second], [again, other] = await one.claims(), await two.claims()
        assert (first.candidate_id, second.candidate_id) == (again.candidate_id, other.candidate_id)
        await one.confirm(one.confirmation(first))
        await two.confirm(two.confirmation(first))
        await one.confirm(one.confirmation(second, refuse=True))
        await two.confirm(two.confirmation(second))

        a, b = Side(one, first.candidate_id, [rig.world.covenant]), Side(two, first.candidate_id, [rig.world.covenant])
        for side in (a, b):
            opening = (await side.read()).entry.opening
            assert opening is not None
            assert opening.oins == (one.oin, two.oin)
        assert a.entries == b.entries
        with transaction(rig.coordinator.engine) as connection:  # a candidate that one side refused opens nothing
            assert connection.execute(select(handshakes.c.id)).scalars().all() == [first.candidate_id]

        for side in (b, a):
            await side.act(Act.ACCEPT)
        assert [(await side.read()).handshake.state.name for side in (a, b)] == ["agreed", "agreed"]
        history = ((b, Act.PROPOSE), (a, Act.AMEND), (a, Act.SIGN), (b, Act.SIGN), (b, Act.CLOSE))
        for mover, act in history:
            message = await mover.act(act)
            for side in (a, b):
                step = await side.read()
                assert [made.message for made in step.moves] == [message]
        assert a.now == b.now
        assert a.now.state == Closed(a.now.side(two.oin))


async def test_a_yes_is_held_until_the_others_is_in_and_nothing_tells_of_it(tmp_path: Path) -> None:
    """Rule 12: neither mail, nor state, nor the record of events tells a yes from a silence."""
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        noted = talks.noted()
        accepted = await talks.a.act(Act.ACCEPT)
        assert talks.waiting() == 0
        assert talks.noted() == noted
        assert talks.stored().head == talks.a.now.head
        assert talks.kept()["handshake_held"] == 1
        await talks.b.act(Act.ACCEPT)
        assert await talks.read() == "agreed"
        assert talks.kept()["handshake_held"] == 0
        assert [made.move.act for made in talks_moves(talks.b)] == ["accept", "accept"]
        assert accepted in wire.decode(Entry, talks.b.entries[-1].envelope.payload).moves
        assert [kind for kind, _, _ in talks.noted()] == ["handshake deciding", "handshake agreed"]


def talks_moves(side: Side) -> list[Made]:
    entry = wire.decode(Entry, side.entries[-1].envelope.payload)
    return [open_move(each, side.covenants[0], handshake=side.id.hex(), now=None) for each in entry.moves]


async def test_a_refusal_a_silence_and_a_yes_taken_back_look_the_same(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        silent, one_yes, taken_back = [await open_talks(rig) for _ in range(3)]
        await one_yes.a.act(Act.ACCEPT)
        await taken_back.a.act(Act.ACCEPT)
        await taken_back.a.act(Act.WITHDRAW)
        await taken_back.b.act(Act.ACCEPT)  # after the other has taken its yes back: no agreement
        assert [talks.waiting() for talks in (silent, one_yes, taken_back)] == [0, 0, 0]
        rig.clock.ahead = 14 * DAY + timedelta(seconds=1)
        seen = []
        for talks in (silent, one_yes, taken_back):
            assert await talks.read() == "lapsed"
            entry = wire.decode(Entry, talks.b.entries[-1].envelope.payload)
            seen.append(
                (
                    entry.sequence,
                    entry.moves,
                    entry.opening,
                    len(talks.b.entries[-1].body),
                    talks.kept()["handshake_held"],
                )
            )
        assert len(set(seen)) == 1
        assert seen[0][1] == ()
        with pytest.raises(HandshakeError):
            await silent.a.act(Act.ACCEPT)


async def test_a_yes_can_be_taken_back_and_given_again(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        with pytest.raises(HandshakeError, match="no yes to take back"):
            await talks.a.act(Act.WITHDRAW)
        first = await talks.a.act(Act.ACCEPT)
        with pytest.raises(HandshakeError, match="accepted already"):
            await talks.a.act(Act.ACCEPT, sealed=b"another")
        await talks.a.act(Act.WITHDRAW)
        await talks.a.send(first)  # the same bytes again bring nothing back
        assert talks.kept()["handshake_held"] == 0
        again = await talks.a.act(Act.ACCEPT, sealed=b"another")
        await talks.b.act(Act.ACCEPT)
        assert await talks.read() == "agreed"
        assert talks_moves(talks.b)[0].message == again


async def test_the_same_move_again_changes_nothing(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        sent = [await side.act(Act.ACCEPT) for side in talks.both]
        await talks.read()
        for side, act in ((talks.b, Act.PROPOSE), (talks.a, Act.SIGN), (talks.b, Act.SIGN), (talks.a, Act.WITHDRAW)):
            sent.append(await side.act(act))
            await talks.read()
        for message in sent:
            side = talks.a if message.envelope.sender == talks.a.party.oin else talks.b
            await asyncio.gather(side.send(message), side.send(message))
        assert talks.waiting() == 0
        assert talks.stored() == talks.a.now
        assert talks.a.now.state == Withdrawn(talks.a.now.side(talks.a.party.oin))
        assert talks.kept()["handshake_taken"] == len(sent)
        assert [digest for _, _, digest in talks.noted()] == talks.digests()


async def test_both_act_at_once(tmp_path: Path) -> None:
    """The first one counts; the other side is told so, looks, and decides again."""
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        await talks.agree()
        moves = [side.act(Act.PROPOSE) for side in talks.both]
        outcomes = await asyncio.gather(*moves, return_exceptions=True)
        assert sorted(type(one).__name__ for one in outcomes) == ["Overtaken", "SignedMessage"]
        assert await talks.read() == "drafting"
        loser = talks.both[[isinstance(one, Overtaken) for one in outcomes].index(True)]
        await loser.act(Act.AMEND)
        assert await talks.read() == "drafting"
        outcomes = await asyncio.gather(*(side.act(Act.SIGN) for side in talks.both), return_exceptions=True)
        assert sorted(type(one).__name__ for one in outcomes) == ["Overtaken", "SignedMessage"]
        await talks.read()
        loser = talks.both[[isinstance(one, Overtaken) for one in outcomes].index(True)]
        await loser.act(Act.SIGN)
        assert await talks.read() == "active"


async def test_reordered_and_replayed_moves(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        early = talks.a.move(Act.PROPOSE)
        with pytest.raises(HandshakeError, match="nothing to propose"):
            await talks.a.send(early)
        await talks.agree()
        with pytest.raises(Overtaken):
            await talks.a.send(early)
        stale = talks.a.move(Act.WITHDRAW)
        await talks.b.act(Act.PROPOSE)
        with pytest.raises(Overtaken, match="the other side acted first"):
            await talks.a.send(stale)
        await talks.read()
        with pytest.raises(HandshakeError, match="another draft"):
            await talks.a.act(Act.SIGN, digest=os.urandom(32))
        with pytest.raises(HandshakeError, match="draft 2 is next"):
            await talks.a.act(Act.AMEND, version=3)
        other = await open_talks(rig)
        with pytest.raises(MalformedMessage, match="two handshakes"):
            await other.a.act(Act.ACCEPT, handshake_id=talks.id)
        borrowed = talks.a.move(Act.SIGN)
        relabelled = SignedMessage(
            borrowed.body.replace(talks.id.hex().encode(), other.id.hex().encode()), borrowed.signature
        )
        with pytest.raises(BadSignature):
            await other.a.send(relabelled)
        assert talks.stored() == talks.a.now


async def test_forged_moves(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        await talks.agree()
        [third] = await rig.members(3)
        outsider = Side(third, talks.id, [rig.world.covenant], talks.a.now)
        with pytest.raises(HandshakeError, match=NO_SUCH):
            await outsider.act(Act.WITHDRAW)
        with pytest.raises(HandshakeError, match=NO_SUCH):
            await outsider.write(outsider.letter(1))
        unknown = Side(third, bytes(16), [rig.world.covenant], talks.a.now)
        with pytest.raises(HandshakeError, match=NO_SUCH):  # which of the two it is, nobody else can tell
            await unknown.act(Act.WITHDRAW)
        with pytest.raises(WrongSender):
            await talks.a.send(talks.b.move(Act.WITHDRAW))
        content = Move(talks.id, Act.WITHDRAW, talks.a.now.head, sealed=SEALED)
        named = talks.a.party.sign(Kind.MOVE, content, round_id=talks.id.hex(), sender=talks.b.party.oin)
        with pytest.raises(BadSignature):
            await talks.b.send(named)
        with pytest.raises(MalformedMessage, match="expected a handshake move"):
            await talks.a.send(talks.a.letter(1))
        with pytest.raises(MalformedMessage, match="names no handshake"):
            await talks.a.send(talks.a.party.sign(Kind.MOVE, content, round_id="r1"))
        altered = talks.a.move(Act.WITHDRAW)
        with pytest.raises(BadSignature):
            await talks.a.send(SignedMessage(altered.body[:-1] + b"?", altered.signature))
        rig.clock.ahead = DAY
        tomorrow = talks.a.move(Act.WITHDRAW)
        rig.clock.ahead = timedelta()
        with pytest.raises(WrongClock, match="in the future"):
            await talks.a.send(tomorrow)
        assert talks.waiting() == 0
        assert talks.stored() == talks.a.now


async def test_deadlines_by_the_coordinators_clock(tmp_path: Path) -> None:
    """A move after the deadline is late, also while the keeper has not lapsed the handshake yet."""
    async with Rig(tmp_path, tick_seconds=60) as rig:
        deciding, drafting, active = [await open_talks(rig) for _ in range(3)]
        await drafting.agree()
        await drafting.a.act(Act.PROPOSE)
        await drafting.read()
        await active.activate()
        keeper = Keeper(rig.coordinator, Bell())
        keeper.tick()
        assert [talks.waiting() for talks in (deciding, drafting, active)] == [0, 0, 0]
        for talks, days, act, state in (
            (deciding, 14, Act.ACCEPT, Lapsed()),
            (drafting, 30, Act.SIGN, Lapsed()),
            (active, 100, Act.WITHDRAW, Closed(None)),
        ):
            rig.clock.ahead = days * DAY + timedelta(minutes=1)
            with pytest.raises(HandshakeError, match="has passed"):
                await talks.a.act(act)
            with pytest.raises(HandshakeError, match="carries no letters"):
                await talks.a.write(talks.a.letter(1))
            keeper.tick()
            await talks.read()
            assert talks.a.now.state == state
            keeper.tick()
            assert talks.waiting() == 0


async def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    """An entry is never dated before the one before it: the nodes would not follow."""
    async with Rig(tmp_path, tick_seconds=60) as rig:
        talks = await open_talks(rig)
        await talks.agree()
        rig.clock.ahead = -timedelta(minutes=4)
        await talks.a.act(Act.PROPOSE)
        before = talks.a.now.at
        assert await talks.read() == "drafting"
        assert talks.a.now.at == before


async def test_a_lapse_that_comes_too_late(tmp_path: Path) -> None:
    """What the keeper read may have moved on since: then it changes nothing."""
    async with Rig(tmp_path, tick_seconds=60) as rig:
        deciding, agreed = await open_talks(rig), await open_talks(rig)
        await agreed.agree()
        stale = deciding.stored(), agreed.stored()
        await deciding.a.act(Act.ACCEPT)  # the same entry is the newest, but the state is another
        await agreed.a.act(Act.PROPOSE)
        await agreed.read()
        rig.clock.ahead = 31 * DAY
        for talks, before in zip((deciding, agreed), stale, strict=True):
            with pytest.raises(Overtaken):
                service.lapse(rig.coordinator, before)
            assert talks.waiting() == 0
            service.lapse(rig.coordinator, talks.stored())
            assert await talks.read() == "lapsed"


async def test_letters(tmp_path: Path) -> None:
    """Contact cards cross once both have accepted, in order, once, to the other side only."""
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        with pytest.raises(HandshakeError, match="deciding carries no letters"):
            await talks.a.write(talks.a.letter(1))
        await talks.agree()
        first, second, third = (talks.a.letter(number) for number in (1, 2, 3))
        for number in (0, 2, 3):
            with pytest.raises((Replayed, MalformedMessage)):
                await talks.a.write(talks.a.letter(number))
        for message in (first, first, second, first, second):
            await talks.a.write(message)
        with pytest.raises(Replayed, match="3 is next"):
            await talks.a.write(talks.a.letter(2))
        await talks.b.write(talks.b.letter(1))
        assert [await talks.b.mail() for _ in range(2)] == [first, second]
        received = await talks.a.mail()
        opened = open_letter(received, rig.world.covenant, handshake=talks.id.hex(), now=None)
        assert opened == Letter(talks.id, 1, SEALED)
        with pytest.raises(WrongSender):
            await talks.b.write(third)
        with pytest.raises(MalformedMessage, match="expected a handshake letter"):
            await talks.a.write(talks.a.move(Act.WITHDRAW))
        assert talks.stored() == talks.a.now  # they change no state
        await talks.a.act(Act.WITHDRAW)
        with pytest.raises(HandshakeError, match="withdrawn carries no letters"):
            await talks.a.write(third)


async def test_letters_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_LETTERS", 2)
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        await talks.agree()
        for number in (1, 2):
            await talks.a.write(talks.a.letter(number))
        with pytest.raises(HandshakeError, match="2 letters a side"):
            await talks.a.write(talks.a.letter(3))


async def test_what_is_kept_and_until_when(tmp_path: Path) -> None:
    """Rule 16: a while after the end only the events are left, in no file of the database."""
    world = changed(make_world(), handshake=HandshakeTerms(decision_days=10, keep_days=5))
    secret = b"sealed, and gone in the end: " + os.urandom(16)
    async with Rig(tmp_path, world) as rig:
        talks = await open_talks(rig)
        await talks.a.act(Act.ACCEPT, sealed=secret)
        last = await talks.b.act(Act.ACCEPT)
        for side in talks.both:
            await side.mail(acknowledge=False)  # never acknowledged
        for number in (1, 2):
            await talks.a.write(
                talks.a.party.sign(Kind.LETTER, Letter(talks.id, number, secret), round_id=talks.id.hex())
            )
        await talks.read()
        await talks.b.act(Act.WITHDRAW)
        noted = talks.noted()
        rig.clock.ahead = 4 * DAY
        await eventually(lambda: talks.kept()["handshakes"] == 1)
        assert talks.kept() == {
            "handshakes": 1, "handshake_entries": 3, "handshake_taken": 5, "handshake_held": 0, "outbox": 4
        }  # fmt: skip
        rig.clock.ahead = 5 * DAY + timedelta(minutes=1)
        await eventually(lambda: not any(talks.kept().values()))
        await eventually(lambda: not any(secret in path.read_bytes() for path in tmp_path.glob("coordinator.sqlite*")))
        *before, gone = talks.noted()
        assert before == noted
        assert gone[0] == "handshake purged"
        with pytest.raises(HandshakeError, match=NO_SUCH):
            await talks.b.send(last)


async def test_the_record_has_every_step_and_no_names(tmp_path: Path) -> None:
    """One event an entry, with the digest of what the coordinator signed: what a transparency log will take."""
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        await talks.activate()
        await talks.a.write(talks.a.letter(1))
        await talks.a.act(Act.CLOSE)
        letter = await talks.b.mail()
        await talks.read()
        noted = talks.noted()
        assert [kind for kind, _, _ in noted] == [
            "handshake deciding",
            "handshake agreed",
            "handshake drafting",
            "handshake drafting",
            "handshake active",
            "handshake letter",
            "handshake closed",
        ]
        assert {party for _, party, _ in noted} == {""}
        assert letter.envelope.kind is Kind.LETTER
        assert [digest for kind, _, digest in noted if kind != "handshake letter"] == talks.digests()


async def test_a_new_covenant_in_between(tmp_path: Path) -> None:
    """A handshake outlives covenant versions; a move that was taken under the old one is not taken again."""
    async with Rig(tmp_path) as rig:
        talks = await open_talks(rig)
        held = await talks.a.act(Act.ACCEPT)
        await rig.stop()
        rig.world = changed(rig.world, version=2, handshake=HandshakeTerms(drafting_days=3))
        rig.settings.covenant.write_text(rig.world.covenant.note)
        await rig.start()
        await rig.reconnect(talks.a.party, talks.b.party)
        await talks.a.send(held)
        with pytest.raises(WrongCovenant):
            await talks.b.act(Act.ACCEPT)
        for side in talks.both:
            side.party.world, side.party.covenant = rig.world, rig.world.covenant
        await talks.b.act(Act.ACCEPT)
        entry = await talks.a.mail(acknowledge=False)
        with pytest.raises(WrongCovenant):  # it fetches the new version, and goes on
            open_step(entry, talks.a.handshake, talks.a.covenant_of, now=rig.clock())
        for side in talks.both:
            side.covenants.append(rig.world.covenant)
        assert await talks.read() == "agreed"
        deadline = talks.a.now.state.deadline
        assert deadline is not None
        assert deadline - talks.a.now.at == 3 * DAY


async def test_no_way_to_an_approach_without_a_ground_and_always_a_way_out(tmp_path: Path) -> None:
    """Rule 20, and members that were revoked."""
    async with Rig(tmp_path) as rig:
        deciding, agreed = await open_talks(rig), await open_talks(rig)
        await deciding.a.act(Act.ACCEPT)
        await agreed.agree()
        [purpose] = rig.world.covenant.terms.purposes
        ended = purpose.model_copy(update={"valid_until": purpose.valid_from})
        await rig.stop()
        whole = rig.world
        rig.world = changed(whole, version=2, purposes=(ended,))
        rig.settings.covenant.write_text(rig.world.covenant.note)
        await rig.start()
        for talks in (deciding, agreed):
            await rig.reconnect(talks.a.party, talks.b.party)
            for side in talks.both:
                side.party.world, side.party.covenant = rig.world, rig.world.covenant
                side.covenants.append(rig.world.covenant)
        with pytest.raises(LegalGroundMissing):
            await deciding.b.act(Act.ACCEPT)
        with pytest.raises(LegalGroundMissing):
            await agreed.a.act(Act.PROPOSE)
        await rig.stop()
        members = [one.model_copy(update={"revoked": one.oin == member_oin(1)}) for one in whole.covenant.terms.members]
        rig.world = changed(whole, version=3, members=tuple(members))
        rig.settings.covenant.write_text(rig.world.covenant.note)
        await rig.start()
        for talks in (deciding, agreed):
            await rig.reconnect(talks.a.party, talks.b.party)
            talks.b.party.world, talks.b.party.covenant = rig.world, rig.world.covenant
            talks.b.covenants.append(rig.world.covenant)
        with pytest.raises(NotAMember, match="revoked"):  # whether that member had accepted or not
            await deciding.b.act(Act.ACCEPT)
        with pytest.raises(NotAMember, match="revoked"):
            await agreed.a.act(Act.WITHDRAW)
        await agreed.b.act(Act.WITHDRAW)
        assert (await agreed.b.read()).handshake.state.name == "withdrawn"


async def test_a_disk_that_fails_halfway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """State, entry, event and both sides' mail come together or not at all."""
    async with Rig(tmp_path, tick_seconds=60) as rig:
        talks = await open_talks(rig)
        await talks.a.act(Act.ACCEPT)
        before = talks.kept(), talks.stored(), talks.noted()
        message = talks.b.move(Act.ACCEPT)
        for place in ("outbox.put", "handshake_store.take", "events.record"):
            with monkeypatch.context() as broken:
                broken.setattr(f"sluis_coordinator.{place}", fail)
                with pytest.raises(HandshakeError, match="nothing works"):
                    await talks.b.send(message)
            assert (talks.kept(), talks.stored(), talks.noted()) == before
        await talks.b.send(message)
        assert await talks.read() == "agreed"


def fail(*_: object, **__: object) -> None:
    raise HandshakeError("nothing works")
