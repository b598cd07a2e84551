"""``python -m ingot_convert``."""

import sys

from ingot_convert.cli import main

if __name__ == "__main__":
    sys.exit(main())
