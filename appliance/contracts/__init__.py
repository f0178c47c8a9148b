"""A contract's life: drafting, the signing cycle, sealing off, and what ends it early.

The values are in ``appliance.model``; ``rules`` says what may follow what, without any I/O; the others are verbs.
``docs/signing-cycle.md`` walks through them in the order in which a contract meets them.
"""
