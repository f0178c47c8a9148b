"""A client for the API of Vermilion (``/api/v1``): contracts are drafted, sent and watched by programs, and signed
by people."""

from vermilion_client.client import Client
from vermilion_client.errors import ProblemError, TokenRefusedError, UnansweredError, VermilionError
from vermilion_client.transport import Answer, Patience
from vermilion_client.types import (
    ENDED,
    Amount,
    Contract,
    Deadline,
    Document,
    Initiator,
    Link,
    NewOutside,
    NewParty,
    NewPerson,
    NewSeal,
    Party,
    Person,
    Place,
    Self,
    Terms,
)

__all__ = [
    "ENDED",
    "Amount",
    "Answer",
    "Client",
    "Contract",
    "Deadline",
    "Document",
    "Initiator",
    "Link",
    "NewOutside",
    "NewParty",
    "NewPerson",
    "NewSeal",
    "Party",
    "Patience",
    "Person",
    "Place",
    "ProblemError",
    "Self",
    "Terms",
    "TokenRefusedError",
    "UnansweredError",
    "VermilionError",
]
