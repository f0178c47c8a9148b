"""Health: what is wrong is found, told, and goes away again."""
