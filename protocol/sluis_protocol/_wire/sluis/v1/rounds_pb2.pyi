from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoundState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_STATE_UNSPECIFIED: _ClassVar[RoundState]
    ROUND_STATE_ANNOUNCED: _ClassVar[RoundState]
    ROUND_STATE_COLLECTING: _ClassVar[RoundState]
    ROUND_STATE_JOINING: _ClassVar[RoundState]
    ROUND_STATE_PUBLISHED: _ClassVar[RoundState]
    ROUND_STATE_PURGED: _ClassVar[RoundState]
ROUND_STATE_UNSPECIFIED: RoundState
ROUND_STATE_ANNOUNCED: RoundState
ROUND_STATE_COLLECTING: RoundState
ROUND_STATE_JOINING: RoundState
ROUND_STATE_PUBLISHED: RoundState
ROUND_STATE_PURGED: RoundState

class RoundQuery(_message.Message):
    __slots__ = ("purpose",)
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    def __init__(self, purpose: _Optional[str] = ...) -> None: ...

class RoundList(_message.Message):
    __slots__ = ("rounds",)
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    rounds: _containers.RepeatedCompositeFieldContainer[RoundStatus]
    def __init__(self, rounds: _Optional[_Iterable[_Union[RoundStatus, _Mapping]]] = ...) -> None: ...

class RoundStatus(_message.Message):
    __slots__ = ("announcement", "state", "submissions")
    ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    announcement: _common_pb2.SignedMessage
    state: RoundState
    submissions: int
    def __init__(self, announcement: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., state: _Optional[_Union[RoundState, str]] = ..., submissions: _Optional[int] = ...) -> None: ...

class Announcement(_message.Message):
    __slots__ = ("purpose", "rule_set_sha256", "opens_at", "closes_at", "confirm_until")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    RULE_SET_SHA256_FIELD_NUMBER: _ClassVar[int]
    OPENS_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_UNTIL_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    rule_set_sha256: bytes
    opens_at: int
    closes_at: int
    confirm_until: int
    def __init__(self, purpose: _Optional[str] = ..., rule_set_sha256: _Optional[bytes] = ..., opens_at: _Optional[int] = ..., closes_at: _Optional[int] = ..., confirm_until: _Optional[int] = ...) -> None: ...
