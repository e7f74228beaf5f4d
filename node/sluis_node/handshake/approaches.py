"""The joint approach from our side: draft, amend, sign, close, withdraw, and the file that proves it."""

from __future__ import annotations

import base64

from pydantic import ValidationError
from sluis_protocol.approach import NONCE_BYTES, Approach, SignedApproach, check_approach, sign_approach
from sluis_protocol.content import Closing, Draft, Outcome, Signed, Withdrawal, WithdrawalReason
from sluis_protocol.covenant import problems
from sluis_protocol.errors import ApproachError, DecisionRefused, NotFound, Overtaken
from sluis_protocol.handshake import Act, Active, Amend, Close, Deciding, Drafting, Propose, Side, Sign, Withdraw

from .cases import young
from .model import Draft as KeptDraft
from .model import Plan, What, counting
from .papers import PENDING_DRAFT, read_drafts, read_informing, write_draft
from .turn import Turn


def draft(turn: Turn, plan: Plan, act: Act) -> None:
    """Propose the first draft, or amend the newest; the other side gets it sealed."""
    state = turn.state
    version = state.version + 1 if isinstance(state, Drafting) else 1
    approach = _approach(turn, plan)
    kind = Propose if act is Act.PROPOSE else Amend
    turn.check(kind(turn.side, version, approach.digest, approach.until))
    check_approach(approach, turn.covenant)
    turn.put(PENDING_DRAFT, write_draft(KeptDraft(version, turn.side, approach)))
    turn.step(What.PROPOSED if act is Act.PROPOSE else What.AMENDED, {"version": str(version)})
    turn.moves.make(
        turn.connection,
        turn.found,
        act,
        Draft(approach=approach),
        turn.covenant,
        turn.now,
        version=version,
        digest=approach.digest,
        until=approach.until,
    )


def _approach(turn: Turn, plan: Plan) -> Approach:
    lower, higher = sorted((turn.parts.oin, turn.found.counterpart))
    try:
        return Approach(
            handshake=turn.found.id.hex(),
            nonce=turn.parts.random(NONCE_BYTES).hex(),
            covenant=turn.covenant.hash.hex(),
            purpose=turn.found.purpose,
            parties=(lower, higher),
            lead=plan.lead,
            partners=plan.partners,
            start=plan.start,
            end=plan.end,
            criteria=plan.criteria,
        )
    except ValidationError as error:
        raise ApproachError(f"the draft can't be: {problems(error)}", do="correct these fields") from error


def sign(turn: Turn, version: int | None) -> None:
    """Sign the newest draft.

    1. It is the one that was read. 2. Nothing is wrong with it, and it keeps to its covenant (rule 13). 3. The family
    was informed, or that was postponed with a reason and an end (rule 14).
    """
    state = turn.state
    if not isinstance(state, Drafting):
        raise Overtaken(f"there is no draft to sign: this case is {state.name}", do="look at it again")
    if version is not None and version != state.version:
        raise Overtaken(f"draft {state.version} is the newest", do="read it, then sign it")
    turn.check(Sign(turn.side, state.digest))
    newest = _counting(turn)
    if newest.fault:
        raise ApproachError(f"this draft can't be signed: {newest.fault}", do="amend it, or withdraw")
    covenant = turn.parts.covenant_on_file(turn.connection, bytes.fromhex(newest.approach.covenant))
    check_approach(newest.approach, covenant)
    informing = read_informing(turn.papers())
    is_young = bool(list(young(turn.stored.shown.members, turn.now)))
    if informing is None or not informing.holds(turn.now.date(), young=is_young):
        raise DecisionRefused(
            "nobody has recorded that the family was informed, or why not yet (rule 14)",
            do="record it first: inform the parents, and the young person from 16, or postpone it with a reason",
            field="informing",
        )
    signature = sign_approach(newest.approach, turn.parts.signer.key)
    turn.step(What.SIGNED, {"version": str(state.version)})
    turn.moves.make(
        turn.connection,
        turn.found,
        Act.SIGN,
        Signed(signature=base64.b64encode(signature).decode()),
        turn.covenant,
        turn.now,
        digest=state.digest,
    )


def _counting(turn: Turn) -> KeptDraft:
    found = counting(read_drafts(turn.papers()), turn.state)
    if found is None:
        raise NotFound("the newest draft can't be read here", do="amend it, or withdraw")
    return found


def close(turn: Turn, outcome: Outcome) -> None:
    """End an active approach with an outcome; the leading municipality does."""
    state = turn.state
    turn.check(Close(turn.side))
    if not isinstance(state, Active):
        raise Overtaken(f"there is nothing to close: this case is {state.name}", do="look at it again")
    if _counting(turn).approach.lead != turn.parts.oin:
        raise DecisionRefused("the leading municipality closes", do="ask it to, or withdraw", field="lead")
    turn.step(What.CLOSED, {"outcome": outcome})
    turn.moves.make(turn.connection, turn.found, Act.CLOSE, Closing(outcome=outcome), turn.covenant, turn.now)


def withdraw(turn: Turn, reason: WithdrawalReason) -> None:
    """End it from our side, whatever the other wants."""
    if isinstance(turn.state, Deciding):
        raise Overtaken("there is nothing to withdraw from yet", do="take the decision up again instead")
    turn.check(Withdraw(turn.side))
    turn.step(What.WITHDRAWN, {"reason": reason})
    turn.moves.make(turn.connection, turn.found, Act.WITHDRAW, Withdrawal(reason=reason), turn.covenant, turn.now)


def signed_file(newest: KeptDraft | None) -> str:
    """The contract with both signatures, as `sluis-node approach verify` reads it."""
    if newest is None or newest.fault or set(newest.signatures) != set(Side):
        raise NotFound(
            "there is no contract that both have signed", do="sign it, and wait for the other side's signature"
        )
    return SignedApproach.of(newest.approach, (newest.signatures[Side.A], newest.signatures[Side.B])).serialise()
