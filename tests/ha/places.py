"""Where everything stands, by name and address: those for documentation (RFC 5737), and of a house (RFC 1918)."""

from __future__ import annotations

from dataclasses import dataclass

FRONT, RINGS = "front", ("ring1", "ring2")
NETWORKS = (*RINGS, FRONT)
FLOATING, HARNESS, WITNESS = "192.0.2.10", "192.0.2.1", "192.0.2.30"
WITNESS_PORT = 8091


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two nodes."""

    name: str
    number: int

    @property
    def front(self) -> str:
        """Its own address where people are."""
        return f"192.0.2.{10 + self.number}"

    @property
    def controller(self) -> str:
        """The address of its management controller."""
        return f"192.0.2.{20 + self.number}"

    @property
    def rings(self) -> list[str]:
        """Its addresses on the two rings."""
        return [f"10.77.{ring}.{10 + self.number}" for ring in (1, 2)]

    def address(self, network: str) -> str:
        """That on *network*."""
        return self.front if network == FRONT else self.rings[RINGS.index(network)]

    def cable(self, network: str) -> str:
        """The interface of the house in which its cable ends."""
        return f"{self.name}-{network}"

    def hardware(self, network: str) -> str:
        """The hardware address of its card on *network*."""
        return f"52:54:00:00:{NETWORKS.index(network) + 1:02}:{10 + self.number}"


NODES = (Place("alpha", 1), Place("beta", 2))
