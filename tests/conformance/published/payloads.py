"""Payloads that the published actions take; their metadata has no schema that could say so."""

from hypothesis import strategies as st

_TEXT = st.text(alphabet="abcxyz", min_size=1, max_size=8)
_RECORD = st.dictionaries(_TEXT, st.integers(-9, 9) | _TEXT, min_size=1, max_size=4)

records = st.builds(lambda record: {"data": record}, _RECORD)
"""For the actions that change a record, and for those that write one down."""

messages = st.builds(lambda text: {"message": text, "secret": "s"}, _TEXT)
"""For the one that signs."""
