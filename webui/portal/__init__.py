"""The portal: pages for people, and the public addresses that programs rely on.

Nothing is imported here: gunicorn's parent process loads its worker from this package, and needs no page for that.
"""
