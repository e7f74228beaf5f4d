"""A round from announcement to confirmation, over real gRPC with mutual TLS."""

from __future__ import annotations

import os
from pathlib import Path

from sluis_protocol import wire
from sluis_protocol.log_messages import Receipt
from sluis_protocol.messages import CovenantNote, Empty, RoundList, RoundQuery
from sluis_protocol.signed import Kind, open_signed
from sluis_protocol.wire.methods import GET_COVENANT, LIST_ROUNDS

from ..world import PURPOSE, member_oin
from .rig import Rig, person


async def test_round(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        round_id = await rig.open_round()
        one, two, three = [await rig.party(member_oin(number)) for number in (1, 2, 3)]
        assert (await one.call(GET_COVENANT, Empty(), CovenantNote)).note == rig.world.covenant.note
        listed = await two.call(LIST_ROUNDS, RoundQuery(PURPOSE), RoundList)
        assert [status.state for status in listed.rounds] == ["collecting"]
        shared = os.urandom(16)
        receipt = await one.submit([person(1, 11, [shared]), person(1, 12)])
        await two.submit([person(2, 21), person(2, 22, [shared])])
        await three.submit([person(3, 31)])
        opened = open_signed(receipt, one.covenant, Kind.RECEIPT, round_id=round_id, now=rig.clock())
        assert wire.decode(Receipt, opened.payload).kind == "commitment"
        await rig.close_round()
        assert not list((tmp_path / "rounds").iterdir())
        [claim_one], [claim_two], claims_three = [await party.claims() for party in (one, two, three)]
        assert claims_three == []
        assert claim_one.candidate_id == claim_two.candidate_id
        assert (claim_one.counterpart, claim_one.family, claim_one.persons[0].person) == (two.oin, 1, 11)
        assert (claim_two.counterpart, claim_two.family, claim_two.persons[0].tags) == (one.oin, 2, (shared,))
        answers = [one.confirmation(claim_one), two.confirmation(claim_two)]
        await one.confirm(answers[0])
        await two.confirm(answers[1])
        assert (await one.receive(1))[0].message == answers[1]
        assert (await two.receive(1))[0].message == answers[0]
