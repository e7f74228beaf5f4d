"""The authority's side of the key ceremony: open the board, watch it, and take the key from it (protocol.md, 3).

The authority has no part in the key: it sees what everybody sees on the board, and refuses to finish unless all
holders accepted the same deals.
"""

from __future__ import annotations

from pathlib import Path

from sluis_protocol.board import Accepted, Board, Broken, Dealing, Judging, Replying, State, assess
from sluis_protocol.bulletin import Ceremony, Opening, with_keys
from sluis_protocol.covenant import Terms
from sluis_protocol.errors import CeremonyFault
from sluis_runtime.boardfolder import open_board, read_board, read_opening


def open_ceremony(terms: Terms, folder: Path, nonce: bytes) -> Ceremony:
    """Open the board for a draft; `nonce`: 32 random bytes. Open already for the same holders: nothing changes."""
    opening = Opening(nonce=nonce.hex(), terms=terms)
    Ceremony.of(opening)  # refuses too few holders before there is a folder
    return Ceremony.of(open_board(folder, opening))


def look(folder: Path) -> tuple[Ceremony, Board, State]:
    """What the board says now. Raises what proves that a file was altered."""
    ceremony = Ceremony.of(read_opening(folder))
    board = read_board(folder, ceremony)
    return ceremony, board, assess(ceremony, board)


def finish_ceremony(terms: Terms, folder: Path) -> Terms:
    """The draft with K, every K_i and the transcript hash; raise CeremonyFault unless all holders accepted."""
    ceremony, _, state = look(folder)
    ceremony.check_same_key(terms)
    match state:
        case Accepted():
            return with_keys(terms, state.deals.transcript, state.joint)
        case Broken():
            raise state.error()
        case Dealing() | Judging() | Replying():
            raise CeremonyFault(
                "the ceremony is not finished: " + waits_for(ceremony, state),
                do="these holders run `sluis-node keyholder ceremony`",
            )


def waits_for(ceremony: Ceremony, state: State) -> str:
    """Whom the ceremony waits for, and for what, in words."""
    names = ", ".join(f"holder {index} ({ceremony.holders[index].name})" for index in state.waiting)
    match state:
        case Dealing():
            return f"waiting for the deals of {names}"
        case Judging():
            return f"waiting for the verdicts of {names}"
        case Replying():
            return f"waiting for the replies to complaints of {names}"
        case Broken():
            return state.error().what
        case Accepted():
            return "all holders have accepted"
