"""A contract's life: drafting, the signing cycle, sealing off, and what ends it early.

The values are in ``appliance.model``. ``permissions``, ``rules`` and ``draft_rules`` are pure: who may do what,
who is told of what, what a draft may say. The other modules read and change contracts.
``docs/signing-cycle.md`` follows one contract through them.
"""
