"""Tables: every architecture of a space with its recorded results; files, and where to find them."""

from nas_gym.tables.catalogue import find_table, load_table, table_files, user_folder
from nas_gym.tables.file import read_table, write_table
from nas_gym.tables.table import Table

__all__ = ["Table", "find_table", "load_table", "read_table", "table_files", "user_folder", "write_table"]
