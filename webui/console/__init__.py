"""The operator's console: what is wrong, what to do about it, and every act that an administrator may do.

It reaches administrators' accounts and acts, what was observed, and the authority as ``console``: no contract, no
document, nothing that signs. Nothing is imported here: gunicorn's parent process loads its settings from this
package, and needs no page for that.
"""
