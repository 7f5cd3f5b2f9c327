"""What is signed and hashed is the canonical form of the standard, made by another's implementation of it."""

from __future__ import annotations

from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import canonical

_VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii")),
        st.recursive(
            _VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner)
        ),
    )
)
def test_the_canonical_form_is_that_of_the_standard(answer: dict[str, Any]) -> None:
    assert canonical(answer) == rfc8785.dumps(answer)
