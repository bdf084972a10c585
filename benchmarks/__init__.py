"""What the README claims, measured: `make bench`, or one of them with `python -m benchmarks loading`.

Machines are noisy, so speed is given as a ratio within one run where there is anything to compare with, and as the median of several
fresh kernels where there is not.
"""
