"""``make bundle``: one archive from which a minimal Debian 13 becomes an appliance without any network.

What is in it, from the outside to the inside:

| part | what it is | who checks it, with what |
| --- | --- | --- |
| ``*.tar.sig``, beside it | OpenPGP signature of the archive | ``sqv``, before it is unpacked |
| ``MANIFEST``, ``MANIFEST.sig`` | SHA-256 of every other file; its OpenPGP signature | each ``install``: ``sqv`` |
| ``debian/`` | the packages beyond a minimal Debian 13, as a signed repository | ``apt`` |
| ``wheels/``, ``requirements.txt`` | our wheel, and what it needs with hashes | ``pip --require-hashes`` |
| ``provisioning/``, ``systemd/`` | the playbooks and the units, as in this checkout | |
| ``bom.cdx.json`` | the bill of materials, CycloneDX 1.6 | |
| ``release.json`` | version, commit, Python and architecture | ``install`` |
"""
