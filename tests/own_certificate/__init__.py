"""Outside signers with certificates of their own, and the software that they sign with."""
