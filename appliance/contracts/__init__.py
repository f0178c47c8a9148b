"""A contract's life: drafting, the signing cycle, sealing off, and what ends it early.

``model`` holds the values and ``rules`` what may follow what, both without any I/O; the others are verbs.
``docs/signing-cycle.md`` walks through them in the order in which a contract meets them.
"""
