"""The operator's console: what is wrong, what to do about it, and every action of administrators.

It reaches administrators' accounts and requests, what was observed, and the authority as ``console``: no contract,
no document, nothing that signs. Nothing is imported here: gunicorn's parent process loads its settings from this
package, and needs no page for that.
"""
