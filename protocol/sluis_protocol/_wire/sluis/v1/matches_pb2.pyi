from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReceiveRequest(_message.Message):
    __slots__ = ("round_id", "until_empty")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    UNTIL_EMPTY_FIELD_NUMBER: _ClassVar[int]
    round_id: str
    until_empty: bool
    def __init__(self, round_id: _Optional[str] = ..., until_empty: _Optional[bool] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("delivery_id", "round_id", "message")
    DELIVERY_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    delivery_id: int
    round_id: str
    message: _common_pb2.SignedMessage
    def __init__(self, delivery_id: _Optional[int] = ..., round_id: _Optional[str] = ..., message: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("delivery_ids",)
    DELIVERY_IDS_FIELD_NUMBER: _ClassVar[int]
    delivery_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, delivery_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Publication(_message.Message):
    __slots__ = ("participants", "claims", "abandoned", "nonce")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    participants: int
    claims: int
    abandoned: str
    nonce: bytes
    def __init__(self, participants: _Optional[int] = ..., claims: _Optional[int] = ..., abandoned: _Optional[str] = ..., nonce: _Optional[bytes] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("candidate_id", "counterpart", "family", "persons")
    CANDIDATE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTERPART_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    PERSONS_FIELD_NUMBER: _ClassVar[int]
    candidate_id: bytes
    counterpart: str
    family: int
    persons: _containers.RepeatedCompositeFieldContainer[PersonClaim]
    def __init__(self, candidate_id: _Optional[bytes] = ..., counterpart: _Optional[str] = ..., family: _Optional[int] = ..., persons: _Optional[_Iterable[_Union[PersonClaim, _Mapping]]] = ...) -> None: ...

class PersonClaim(_message.Message):
    __slots__ = ("person", "tags")
    PERSON_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    person: int
    tags: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, person: _Optional[int] = ..., tags: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Confirmation(_message.Message):
    __slots__ = ("candidate_id", "mac", "sealed_reference")
    CANDIDATE_ID_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    SEALED_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    candidate_id: bytes
    mac: bytes
    sealed_reference: bytes
    def __init__(self, candidate_id: _Optional[bytes] = ..., mac: _Optional[bytes] = ..., sealed_reference: _Optional[bytes] = ...) -> None: ...

class Unconfirmed(_message.Message):
    __slots__ = ("candidate_id",)
    CANDIDATE_ID_FIELD_NUMBER: _ClassVar[int]
    candidate_id: bytes
    def __init__(self, candidate_id: _Optional[bytes] = ...) -> None: ...
