"""``python -m directory_adapters``."""

import sys

from directory_adapters.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
