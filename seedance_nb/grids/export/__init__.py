"""A grid as a file: page, table, manifest; and a table read back."""

from .csv_table import read_csv

__all__ = ["read_csv"]
