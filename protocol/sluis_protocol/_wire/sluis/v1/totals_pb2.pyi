from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PeriodState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERIOD_STATE_UNSPECIFIED: _ClassVar[PeriodState]
    PERIOD_STATE_ENROLLING: _ClassVar[PeriodState]
    PERIOD_STATE_CONTRIBUTING: _ClassVar[PeriodState]
    PERIOD_STATE_CLOSING: _ClassVar[PeriodState]
    PERIOD_STATE_RELEASED: _ClassVar[PeriodState]
    PERIOD_STATE_ABANDONED: _ClassVar[PeriodState]
PERIOD_STATE_UNSPECIFIED: PeriodState
PERIOD_STATE_ENROLLING: PeriodState
PERIOD_STATE_CONTRIBUTING: PeriodState
PERIOD_STATE_CLOSING: PeriodState
PERIOD_STATE_RELEASED: PeriodState
PERIOD_STATE_ABANDONED: PeriodState

class PeriodQuery(_message.Message):
    __slots__ = ("purpose",)
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    def __init__(self, purpose: _Optional[str] = ...) -> None: ...

class PeriodList(_message.Message):
    __slots__ = ("periods",)
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    periods: _containers.RepeatedCompositeFieldContainer[PeriodStatus]
    def __init__(self, periods: _Optional[_Iterable[_Union[PeriodStatus, _Mapping]]] = ...) -> None: ...

class PeriodStatus(_message.Message):
    __slots__ = ("opening", "state", "roster", "contributors", "shares")
    OPENING_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROSTER_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTORS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    opening: _common_pb2.SignedMessage
    state: PeriodState
    roster: _common_pb2.SignedMessage
    contributors: _common_pb2.SignedMessage
    shares: bytes
    def __init__(self, opening: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., state: _Optional[_Union[PeriodState, str]] = ..., roster: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., contributors: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., shares: _Optional[bytes] = ...) -> None: ...

class EnrolRequest(_message.Message):
    __slots__ = ("enrolment", "proof")
    ENROLMENT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    enrolment: _common_pb2.SignedMessage
    proof: bytes
    def __init__(self, enrolment: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., proof: _Optional[bytes] = ...) -> None: ...

class PeriodOpening(_message.Message):
    __slots__ = ("purpose", "label", "board_key", "enrol_until", "contribute_until", "unmask_until")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    BOARD_KEY_FIELD_NUMBER: _ClassVar[int]
    ENROL_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    UNMASK_UNTIL_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    label: str
    board_key: bytes
    enrol_until: int
    contribute_until: int
    unmask_until: int
    def __init__(self, purpose: _Optional[str] = ..., label: _Optional[str] = ..., board_key: _Optional[bytes] = ..., enrol_until: _Optional[int] = ..., contribute_until: _Optional[int] = ..., unmask_until: _Optional[int] = ...) -> None: ...

class TotalsEnrolment(_message.Message):
    __slots__ = ("opening", "commitment", "proof_sha256")
    OPENING_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    PROOF_SHA256_FIELD_NUMBER: _ClassVar[int]
    opening: bytes
    commitment: bytes
    proof_sha256: bytes
    def __init__(self, opening: _Optional[bytes] = ..., commitment: _Optional[bytes] = ..., proof_sha256: _Optional[bytes] = ...) -> None: ...

class TotalsEnrolled(_message.Message):
    __slots__ = ("oin", "enrolment")
    OIN_FIELD_NUMBER: _ClassVar[int]
    ENROLMENT_FIELD_NUMBER: _ClassVar[int]
    oin: str
    enrolment: bytes
    def __init__(self, oin: _Optional[str] = ..., enrolment: _Optional[bytes] = ...) -> None: ...

class TotalsRoster(_message.Message):
    __slots__ = ("opening", "entries")
    OPENING_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    opening: bytes
    entries: _containers.RepeatedCompositeFieldContainer[TotalsEnrolled]
    def __init__(self, opening: _Optional[bytes] = ..., entries: _Optional[_Iterable[_Union[TotalsEnrolled, _Mapping]]] = ...) -> None: ...

class TotalsContribution(_message.Message):
    __slots__ = ("roster", "ciphertext", "shares")
    ROSTER_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    roster: bytes
    ciphertext: bytes
    shares: bytes
    def __init__(self, roster: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ..., shares: _Optional[bytes] = ...) -> None: ...

class TotalsContributors(_message.Message):
    __slots__ = ("roster", "oins")
    ROSTER_FIELD_NUMBER: _ClassVar[int]
    OINS_FIELD_NUMBER: _ClassVar[int]
    roster: bytes
    oins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, roster: _Optional[bytes] = ..., oins: _Optional[_Iterable[str]] = ...) -> None: ...

class TotalsUnmasking(_message.Message):
    __slots__ = ("contributors", "mask")
    CONTRIBUTORS_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    contributors: bytes
    mask: bytes
    def __init__(self, contributors: _Optional[bytes] = ..., mask: _Optional[bytes] = ...) -> None: ...

class TotalsRelease(_message.Message):
    __slots__ = ("opening", "enrolments", "ciphertext")
    OPENING_FIELD_NUMBER: _ClassVar[int]
    ENROLMENTS_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    opening: _common_pb2.SignedMessage
    enrolments: _containers.RepeatedCompositeFieldContainer[_common_pb2.SignedMessage]
    ciphertext: bytes
    def __init__(self, opening: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., enrolments: _Optional[_Iterable[_Union[_common_pb2.SignedMessage, _Mapping]]] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...
