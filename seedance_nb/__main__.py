"""`python -m seedance_nb`: the same as `seedance`."""

import sys

from .cli import main

sys.exit(main())
