"""Who acts. Every change carries an Actor."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The operator (a person's account), the client (a registered system) and the department they act for."""

    operator: str
    client: str = ""
    system: str = "hutong"
    department: str = ""

    def as_dict(self) -> dict[str, str]:
        """The JSON form kept in events and audit rows."""
        return asdict(self)


SYSTEM = Actor(operator="system")
