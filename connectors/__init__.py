"""Transports to departmental systems. `extract` reads one feed, whatever kind of system it comes from.

A kind of connector is a module of this folder with a function `extract`; a new kind is a new file, listed nowhere.
"""

from __future__ import annotations

from connectors.extraction import Extraction
from connectors.kinds import extract, kinds

__all__ = ["Extraction", "extract", "kinds"]
