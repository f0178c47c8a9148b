"""Remote signing: other software asks for a person's signature, the person decides, the software fetches it."""
