"""Evidence packages: everything about one contract in a ZIP that proves itself without our software."""
