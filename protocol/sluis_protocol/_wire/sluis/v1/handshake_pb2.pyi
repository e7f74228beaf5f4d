from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HandshakeAct(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDSHAKE_ACT_UNSPECIFIED: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_ACCEPT: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_PROPOSE: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_AMEND: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_SIGN: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_CLOSE: _ClassVar[HandshakeAct]
    HANDSHAKE_ACT_WITHDRAW: _ClassVar[HandshakeAct]
HANDSHAKE_ACT_UNSPECIFIED: HandshakeAct
HANDSHAKE_ACT_ACCEPT: HandshakeAct
HANDSHAKE_ACT_PROPOSE: HandshakeAct
HANDSHAKE_ACT_AMEND: HandshakeAct
HANDSHAKE_ACT_SIGN: HandshakeAct
HANDSHAKE_ACT_CLOSE: HandshakeAct
HANDSHAKE_ACT_WITHDRAW: HandshakeAct

class HandshakeMove(_message.Message):
    __slots__ = ("handshake_id", "act", "follows", "version", "digest", "until", "sealed")
    HANDSHAKE_ID_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    FOLLOWS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    handshake_id: bytes
    act: HandshakeAct
    follows: bytes
    version: int
    digest: bytes
    until: int
    sealed: bytes
    def __init__(self, handshake_id: _Optional[bytes] = ..., act: _Optional[_Union[HandshakeAct, str]] = ..., follows: _Optional[bytes] = ..., version: _Optional[int] = ..., digest: _Optional[bytes] = ..., until: _Optional[int] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class HandshakeLetter(_message.Message):
    __slots__ = ("handshake_id", "number", "sealed")
    HANDSHAKE_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    handshake_id: bytes
    number: int
    sealed: bytes
    def __init__(self, handshake_id: _Optional[bytes] = ..., number: _Optional[int] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class HandshakeEntry(_message.Message):
    __slots__ = ("handshake_id", "sequence", "previous", "opening", "moves")
    HANDSHAKE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    handshake_id: bytes
    sequence: int
    previous: bytes
    opening: HandshakeOpening
    moves: _containers.RepeatedCompositeFieldContainer[_common_pb2.SignedMessage]
    def __init__(self, handshake_id: _Optional[bytes] = ..., sequence: _Optional[int] = ..., previous: _Optional[bytes] = ..., opening: _Optional[_Union[HandshakeOpening, _Mapping]] = ..., moves: _Optional[_Iterable[_Union[_common_pb2.SignedMessage, _Mapping]]] = ...) -> None: ...

class HandshakeOpening(_message.Message):
    __slots__ = ("purpose", "lower", "higher")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    HIGHER_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    lower: str
    higher: str
    def __init__(self, purpose: _Optional[str] = ..., lower: _Optional[str] = ..., higher: _Optional[str] = ...) -> None: ...
