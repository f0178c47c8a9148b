"""The activation service: the pages on which people see exactly one act and activate it.

A process, a user and an origin of its own. The authority takes activations from this origin alone, so neither the
portal nor whoever controls it can have a key sign what its owner did not see here
([decision 43](../../docs/decisions/0043-activation-service.md)). It keeps nothing, lists nothing and takes no
files; it uses the authority as ``activation`` and the confined processes that draw pages.
"""
