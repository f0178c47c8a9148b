"""Confined processes for untrusted bytes: one short-lived child per job, nothing but its arguments to touch.

:class:`appliance.confinement.pool.Confinement` is what the appliance uses. The jobs that may run are listed in
``jobs.py``. Nothing is imported here: the processes that only need the kernel's limits would load it, too.
"""
